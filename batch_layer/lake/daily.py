"""Daily bars in the lake: `bars/timeframe=1d/date=YYYY-MM-DD/`, a trade date a file (date_files.py says how)."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from batch_layer.lake.daily_file import SCHEMA, bars_of, frame_of
from batch_layer.lake.date_files import DateFiles, Written
from batch_layer.lake.manifest import Manifest
from shared.models.daily import DailyBar

PREFIX = "bars/timeframe=1d"


class DailyLake:
    """Raises what DateFiles raises."""

    def __init__(self, s3: Any, bucket: str, code_version: str) -> None:
        self._files = DateFiles(s3, bucket, code_version, PREFIX, SCHEMA)

    def bars(self, day: date) -> list[DailyBar] | None:
        """The bars of a trade date by symbol, None where it was never written."""
        rows = self._files.rows(day)
        return None if rows is None else bars_of(rows)

    def manifest(self, day: date) -> Manifest | None:
        """None where the date was never written."""
        return self._files.manifest(day)

    def write(self, day: date, bars: Sequence[DailyBar], *, source: str, known_at: datetime) -> Written:
        """All bars of a trade date. Raises also what `frame_of` raises."""
        return self._files.write(day, frame_of(day, bars), source=source, known_at=known_at)
