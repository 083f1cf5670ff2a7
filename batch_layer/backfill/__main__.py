"""`python -m batch_layer.backfill FROM TO`: history of the trade dates [FROM, TO] from the vendor.

As a child of an array job of AWS Batch: of one month of them, child 0 with the reference data. Exit code 0 when all of
it is stored, 1 when some is not (the same job again goes on from there), 2 for arguments that are no dates.
"""

import sys
import time
from dataclasses import asdict
from datetime import UTC, date, datetime

from batch_layer.backfill.months import History, month_of
from batch_layer.backfill.settings import BackfillSettings
from batch_layer.fetch.run import Step
from batch_layer.fetch.vendor import vendor_rest
from batch_layer.lake.daily import DailyLake
from shared.bars.sessions import sessions_named
from shared.clients.aws import client
from shared.errors import CondvestError
from shared.observability import event, logger
from shared.settings import read
from shared.stores.postgres import Postgres, PostgresSettings

S3_TIMEOUT_S = 60.0
log = logger("backfill")


def main(arguments: list[str]) -> int:
    try:
        first, last = map(date.fromisoformat, arguments)
    except ValueError:
        sys.stderr.write("usage: python -m batch_layer.backfill YYYY-MM-DD YYYY-MM-DD\n")
        return 2
    try:
        chosen = read(BackfillSettings)
        child = chosen.aws_batch_job_array_index
        start, end = (first, last) if child < 0 else month_of(first, last, child)
        brought = _wired(chosen).load(start, end, reference=child <= 0, told=_tell)
    except CondvestError as error:
        event(log, 40, "backfill", first=str(first), last=str(last), error=f"{type(error).__name__}: {error}")
        return 1
    event(log, 20, "backfill", first=str(start), last=str(end), **asdict(brought))
    return 1 if brought.failed else 0


def _wired(chosen: BackfillSettings) -> History:
    return History(
        postgres=Postgres(read(PostgresSettings)),
        lake=DailyLake(client("s3", S3_TIMEOUT_S), chosen.lake_bucket, chosen.code_version),
        rest=vendor_rest(chosen),
        sessions=sessions_named(chosen.sessions),
        symbols=None if chosen.symbols == "*" else tuple(chosen.symbols.split(",")),
        calls_a_minute=chosen.calls_a_minute,
        now=lambda: datetime.fromtimestamp(time.time(), UTC),
    )


def _tell(step: Step) -> None:
    if step.failed is not None:
        event(log, 30, "left out", unit=step.unit.id, why=step.failed)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
