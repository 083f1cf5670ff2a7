"""Where reports are in the lake: `reports/reconciliation/date=YYYY-MM-DD/report.json` and `report.html`."""

from datetime import date

import msgspec

from batch_layer.lake.manifest import BrokenFile
from batch_layer.lake.objects import Objects
from batch_layer.reconcile.report import Report, decode

PREFIX = "reports/reconciliation"


def report_key(day: date, ending: str) -> str:
    """`ending`: json or html."""
    return f"{PREFIX}/date={day}/report.{ending}"


def read_report(objects: Objects, day: date) -> Report | None:
    """None where the date was never reconciled. Raises StoreUnavailable, BrokenFile."""
    key = report_key(day, "json")
    stored = objects.get(key)
    try:
        return None if stored is None else decode(stored.data)
    except msgspec.DecodeError as error:
        raise BrokenFile(f"lake: {key} is no report: {error}") from error
