"""The push service's settings, from its task definition."""

import msgspec


class PushSettings(msgspec.Struct, frozen=True):
    """Streams, tables, where to listen, how often to read."""

    trades_stream: str
    bars_stream: str
    bars_table: str
    control_table: str
    signals_table: str
    alerts_table: str
    sessions: str = "XNYS"
    """The session table by name: `XNYS`, or `SIMULATED`."""
    host: str = "0.0.0.0"  # noqa: S104 -- in a container of its own, behind a load balancer; loopback on one machine
    port: int = 8080
    poll_seconds: float = 1.0
    """Between two reads of a shard, which gives five a second to all its readers together."""
