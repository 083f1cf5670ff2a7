"""Who is who among the processes of a running platform, kept in a file for people and tests."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from local_dev.runtime.state import write_json

PIDS_FILE = "pids.json"
EVERY_SECONDS = 0.1


class RolesFile:
    """Role -> process id, rewritten whenever one changes, gone when the platform has stopped."""

    def __init__(self, folder: Path, roles: Callable[[], Mapping[str, int]]) -> None:
        self._file, self._roles = folder / PIDS_FILE, roles
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="roles", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.ident:
            self._thread.join()
        self._file.unlink(missing_ok=True)

    def _run(self) -> None:
        written: Mapping[str, int] = {}
        while not self._stop.wait(EVERY_SECONDS):
            now = dict(self._roles())
            if now != written:
                write_json(self._file, now)
                written = now
