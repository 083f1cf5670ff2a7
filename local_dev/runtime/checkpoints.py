"""How far each mapping has read each shard, kept from a clean stop to the next start.

Streams outlive a clean stop of the emulator and nothing else; so do checkpoints. After a kill the mappings get new
names, and what an older run left is never asked for.
"""

import json
import threading
from pathlib import Path

from local_dev.runtime.state import write_json


class FileCheckpoints:
    def __init__(self, file: Path) -> None:
        self._file, self._lock = file, threading.Lock()
        self._kept: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        file.unlink(missing_ok=True)

    def load(self, mapping: str, shard: str) -> str | None:
        return self._kept.get(f"{mapping}/{shard}")

    def save(self, mapping: str, shard: str, sequence: str) -> None:
        with self._lock:
            self._kept[f"{mapping}/{shard}"] = sequence

    def write(self) -> None:
        """At a clean stop, when nobody polls any more."""
        with self._lock:
            write_json(self._file, self._kept)
