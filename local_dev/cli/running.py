"""Where a running platform can be reached, for other commands with the same state folder."""

import fcntl
import json
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from local_dev.runtime.state import LOCK_FILE, write_json

FILE = "running.json"


class Address(NamedTuple):
    """`emulator` and `control_table`: where the platform's own stores are; empty where nobody said."""

    url: str
    key: str
    emulator: str = ""
    control_table: str = ""


def note(state: Path, found: Address) -> None:
    write_json(state / FILE, found._asdict())


def forget(state: Path) -> None:
    (state / FILE).unlink(missing_ok=True)


def address(state: Path) -> Address | None:
    """None when no platform runs on this state, or it is not ready yet. A note left by a killed one does not count."""

    with suppress(OSError, ValueError, TypeError), (state / LOCK_FILE).open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            noted = json.loads((state / FILE).read_text())
            return Address(**noted)
    return None
