"""Settings of the stream functions, from their Lambda environment."""

import msgspec


class ArchiveSettings(msgspec.Struct, frozen=True):
    """Where the raw log is."""

    lake_bucket: str


class TableSettings(msgspec.Struct, frozen=True):
    """Tables, the stream for revised bars, and the bucket for quarantine, by name."""

    bars_table: str
    control_table: str
    bars_stream: str
    lake_bucket: str
