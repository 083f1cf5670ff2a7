"""The keys of a local platform: a file in its state folder, since the emulator's tables do not outlive a kill.

A platform that runs is told at once; one that starts reads the file.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local_dev.runtime.state import write_json
from shared.stores.control import ControlStore

FILE, LOCK = "keys.json", "keys.lock"


class KeysFile:
    """As `book.Records`. `control`: of the platform that runs on this state, if one does."""

    def __init__(self, state: Path, control: ControlStore | None = None) -> None:
        self._file, self._lock, self._control = state / FILE, state / LOCK, control

    def key(self, key_id: str) -> dict[str, Any] | None:
        return self._read().get(key_id)

    def key_records(self) -> Iterator[tuple[str, dict[str, Any]]]:
        return iter(self._read().items())

    def put_key(self, key_id: str, record: dict[str, Any]) -> None:
        """In the file first: what the platform knows, it will know after its next start."""
        with self._alone():
            write_json(self._file, {**self._read(), key_id: record})
        if self._control is not None:
            self._control.put_key(key_id, record)

    def restore(self, control: ControlStore) -> None:
        """Put every key into the table of a platform that starts."""
        for key_id, record in self.key_records():
            control.put_key(key_id, record)

    def _read(self) -> dict[str, dict[str, Any]]:
        if not self._file.exists():
            return {}
        found: dict[str, dict[str, Any]] = json.loads(self._file.read_text(encoding="utf-8"))
        return found

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._lock.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
