"""Settings of the signals function, from its Lambda environment."""

import msgspec


class SignalsSettings(msgspec.Struct, frozen=True):
    """Tables and the bucket for quarantine, by name; `cache_endpoint` is host:port, a `cache_user` means TLS and IAM.

    `sessions` names the session table, `strategies` is JSON as speed_layer/signals/config.py reads it; empty for the
    packaged ones. Without a table of alerts no rules are evaluated.
    """

    bars_table: str
    control_table: str
    signals_table: str
    lake_bucket: str
    cache_endpoint: str
    cache_user: str = ""
    cache_name: str = ""
    sessions: str = "XNYS"
    strategies: str = ""
    alerts_table: str = ""
