"""After an unclean stop: the raw log is all there is, and from it the tables and the stream's tail are made again."""

import time

from local_dev.runtime.deployment import Deployment
from local_dev.runtime.emulator_gaps import Clients
from local_dev.runtime.raw_log import REBUILD_EPOCH, SpeedView, audit, rebuild
from local_dev.runtime.state import StateFolder
from shared.clients.kinesis import PutRecords
from shared.stores.bars import BarStore
from shared.stores.control import ControlStore
from shared.stores.lake import Lake


def restore(state: StateFolder, client: Clients, deployment: Deployment) -> None:
    """New stacks have a new bucket: the log moves there, then the speed view is rebuilt from it. Also for a new state,
    where there is nothing to move."""
    bucket = deployment.function_of("speed_layer.archive.handler").environment["LAKE_BUCKET"]
    if state.record.lake and state.record.lake != bucket:
        _move(client, state.record.lake, bucket)
    old = state.record.lake
    state.remember(lake=bucket)
    if old and old != bucket:
        _drop(client, old)
    ingest = deployment.container_of("speed_layer.ingest").environment
    live = deployment.function_of("speed_layer.live.handler").environment
    shards = int(ingest["SHARDS"])
    view = SpeedView(
        bars=BarStore(client("dynamodb"), live["BARS_TABLE"]),
        control=ControlStore(client("dynamodb"), ingest["CONTROL_TABLE"]),
        put=PutRecords(client("kinesis"), ingest["TRADES_STREAM"], shards),
        shards=shards,
        lanes=int(ingest["LANES"]),
    )
    lake = Lake(client("s3"), bucket)
    if rebuild(lake, view, int(time.time())) is not None:
        _count(lake, view.control)


def _count(lake: Lake, control: ControlStore) -> None:
    """The counts of earlier epochs are gone; what they had accepted is what the log holds."""
    tally = audit(lake)
    counts = {"trades_in": tally.trades, "accepted": tally.trades, "parts": tally.parts, "state": "rebuilt"}
    control.put_epoch(REBUILD_EPOCH, counts)


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
