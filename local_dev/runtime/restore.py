"""After an unclean stop: the raw log is all there is; from it tables, signals and the stream's tail are made again.

Signals of a simulated market need its history too: they follow when that is back, and only those of the last days
(past.py).
"""

import time
from collections.abc import Mapping

from local_dev.runtime.deployment import Deployment
from local_dev.runtime.emulator_gaps import Clients
from local_dev.runtime.past_signals import past_signals
from local_dev.runtime.raw_log import REBUILD_EPOCH, Rebuilt, SpeedView, audit, rebuild
from local_dev.runtime.state import StateFolder
from shared.bars.sessions import sessions_named
from shared.clients.kinesis import PutRecords
from shared.settings import read
from shared.stores.bars import BarStore
from shared.stores.control import ControlStore
from shared.stores.lake import Lake
from shared.stores.signals import SignalStore
from shared.stores.ticks import TickStore
from speed_layer.ingest.recovery import LIVE_REACH
from speed_layer.signals.config import configured
from speed_layer.signals.settings import SignalsSettings


def restore(state: StateFolder, client: Clients, deployment: Deployment, sessions: str) -> None:
    """New stacks have a new bucket: the log moves there, then the speed view is rebuilt from it. Also for a new state,
    where there is nothing to move. `sessions` names the market's session table."""
    bucket = deployment.function_of("speed_layer.archive.handler").environment["LAKE_BUCKET"]
    if state.record.lake and state.record.lake != bucket:
        _move(client, state.record.lake, bucket)
    old = state.record.lake
    state.remember(lake=bucket, past_kept=False)
    if old and old != bucket:
        _drop(client, old)
    now_s, lake = int(time.time()), Lake(client("s3"), bucket)
    view = _view(client, deployment, sessions)
    recent = now_s - int(LIVE_REACH.total_seconds()) if state.record.is_live else 0
    rebuilt = rebuild(lake, view, now_s, tail_from_s=recent)
    if rebuilt is None:
        return
    view.control.put_symbols(rebuilt.symbols)
    _count(lake, view.control, rebuilt)
    if not state.record.is_simulated:  # its history has to be back first (past.py)
        given = deployment.function_of("speed_layer.signals.handler").environment
        _judge(client, {**given, "SESSIONS": sessions}, view, rebuilt, now_s)


def _view(client: Clients, deployment: Deployment, sessions: str) -> SpeedView:
    ingest = deployment.container_of("speed_layer.ingest").environment
    live = deployment.function_of("speed_layer.live.handler").environment
    archive = deployment.function_of("speed_layer.archive.handler").environment
    shards = int(ingest["SHARDS"])
    return SpeedView(
        bars=BarStore(client("dynamodb"), live["BARS_TABLE"]),
        ticks=TickStore(client("dynamodb"), archive["TICKS_TABLE"]),
        control=ControlStore(client("dynamodb"), ingest["CONTROL_TABLE"]),
        put=PutRecords(client("kinesis"), ingest["TRADES_STREAM"], shards),
        shards=shards,
        lanes=int(ingest["LANES"]),
        sessions=sessions_named(sessions),
    )


def _judge(client: Clients, given: Mapping[str, str], view: SpeedView, rebuilt: Rebuilt, now_s: int) -> None:
    """Signals of the rebuilt bars that had closed: those of an undisturbed run, known since their bars' ends."""
    settings = read(SignalsSettings, given)
    strategies, table = configured(settings.strategies), SignalStore(client("dynamodb"), settings.signals_table)
    stored = 0
    for sym in rebuilt.symbols:
        found = past_signals(
            view.bars,
            strategies,
            view.sessions,
            sym,
            since=rebuilt.first_t,
            until=rebuilt.promise * 1000,
            now_s=now_s,
        )
        stored += table.put_many(found)
    view.control.put_signal_counts({"stored": stored})


def _count(lake: Lake, control: ControlStore, rebuilt: Rebuilt) -> None:
    """The counts of earlier epochs are gone; what they had accepted is what the log holds."""
    tally = audit(lake)
    counts = {"trades_in": tally.trades, "accepted": tally.trades, "parts": tally.parts, "state": "rebuilt"}
    control.put_epoch(REBUILD_EPOCH, counts | {"last_trade_ms": rebuilt.last_t, "promise": rebuilt.promise})


def _move(client: Clients, source: str, target: str) -> None:
    """Copies only: a move cut short is repeated at the next start, from the same source."""
    s3 = client("s3")
    if source not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        return
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=source):
        for entry in page.get("Contents", ()):
            s3.copy_object(Bucket=target, Key=entry["Key"], CopySource={"Bucket": source, "Key": entry["Key"]})


def _drop(client: Clients, bucket: str) -> None:
    s3 = client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for entry in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            s3.delete_object(Bucket=bucket, Key=entry["Key"], VersionId=entry["VersionId"])
    s3.delete_bucket(Bucket=bucket)
