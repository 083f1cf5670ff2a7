"""The ingester's settings, from its task definition."""

from typing import Literal

import msgspec


class IngestSettings(msgspec.Struct, frozen=True):
    """Streams, tables, the vendor, and how long a lease holds."""

    trades_stream: str
    bars_stream: str
    control_table: str
    shards: int
    """Shards of the trades stream; must be what the stream has, checked at start."""
    lanes: int
    """Lanes, a multiple of `shards`: the unit of order. One record of a lane is unacknowledged at a time."""
    socket_url: str = "wss://socket.polygon.io/stocks"
    rest_url: str = "https://api.polygon.io"
    polygon_api_key: str = ""
    bar_engine: Literal["python", "flink"] = "python"
    """What closes the windows: the engine in here, or a Flink job that reads the trades stream."""
    symbols: str = "*"
    """`*` or a comma list without spaces."""
    sessions: str = "XNYS"
    """The session table, by name."""
    live: bool = True
    """Whether the feed's time is the host's time; false for replays."""
    lease_seconds: float = 10.0
    lease_owner: str = ""
    """Who holds the lease; empty = a new name each start. Set only where a supervisor knows the predecessor is dead."""
    cache_endpoint: str = ""
    """host:port of the cache; empty = none."""
    cache_user: str = ""
    """The cache's IAM user; empty = no TLS and no authentication (local)."""
    cache_name: str = ""
    """The cache's name, which the IAM token is for."""
