"""Settings of the stream functions, from their Lambda environment."""

import msgspec


class ArchiveSettings(msgspec.Struct, frozen=True):
    """Where the raw log and the ticks are; `live`: the feed's time is the host's."""

    lake_bucket: str
    ticks_table: str
    live: bool = True


class TableSettings(msgspec.Struct, frozen=True):
    """Tables, the stream for revised bars, the bucket for quarantine and the session table, by name; without a table of
    alerts no rules are evaluated."""

    bars_table: str
    control_table: str
    bars_stream: str
    lake_bucket: str
    sessions: str = "XNYS"
    alerts_table: str = ""
