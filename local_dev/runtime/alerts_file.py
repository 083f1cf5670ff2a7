"""Alerts outlive an unclean stop, after which the emulator has no tables: a copy of theirs, kept in the state folder.

On AWS the table itself is as durable as can be. Of the last seconds before the stop nothing is known: a crossing in
them is found again, under its id, where its trades are read again.
"""

import json
import threading
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local_dev.runtime.state import write_json

FILE = "alerts.json"
EVERY_SECONDS = 1.0

Items = list[dict[str, Any]]


class AlertsFile:
    """The table's items, written whenever they have changed."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def restore(self, dynamodb: Any, table: str) -> int:
        """Put back what was kept; how many items."""
        if not self._file.exists():
            return 0
        items: Items = json.loads(self._file.read_text(encoding="utf-8"))
        for item in items:
            dynamodb.put_item(TableName=table, Item=item)
        return len(items)

    def start(self, dynamodb: Any, table: str) -> None:
        self._thread = threading.Thread(target=self._run, args=(dynamodb, table), name="alerts file", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """May be called twice, and without a start."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self, dynamodb: Any, table: str) -> None:
        written: Items | None = None
        while not self._stop.wait(EVERY_SECONDS):
            try:
                now = _items(dynamodb, table)
            except (BotoCoreError, ClientError):
                continue  # whoever checks the platform says so
            if now != written:
                write_json(self._file, now)
                written = now


def _items(dynamodb: Any, table: str) -> Items:
    pages = dynamodb.get_paginator("scan").paginate(TableName=table)
    items = [item for page in pages for item in page["Items"]]
    return sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))
