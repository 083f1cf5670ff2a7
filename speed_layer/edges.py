"""What the functions that keep the bars table talk to, connected once a process."""

from functools import lru_cache
from typing import NamedTuple

from shared.clients.aws import client
from shared.clients.kinesis import PutRecords
from shared.settings import read
from shared.stores.bars import BarStore
from shared.stores.control import ControlStore
from shared.stores.lake import Lake
from speed_layer.settings import TableSettings

BARS_SHARDS = 1


class Edges(NamedTuple):
    """Tables, the bucket for quarantine, and the way back onto the bars stream."""

    bars: BarStore
    control: ControlStore
    lake: Lake
    bars_out: PutRecords


@lru_cache(maxsize=1)
def wire() -> Edges:
    """From this function's environment."""
    settings = read(TableSettings)
    dynamodb = client("dynamodb")
    return Edges(
        BarStore(dynamodb, settings.bars_table),
        ControlStore(dynamodb, settings.control_table),
        Lake(client("s3"), settings.lake_bucket),
        PutRecords(client("kinesis"), settings.bars_stream, BARS_SHARDS),
    )
