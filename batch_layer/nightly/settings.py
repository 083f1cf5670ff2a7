"""Settings of the nightly's processes, from their environment."""

import msgspec

DEFINITION = "definition.asl.json"
"""The state machine, beside this file; `${...}` is put in where it is deployed."""


class FetchSettings(msgspec.Struct, frozen=True):
    """What asks the vendor. An empty `rest_url`: there is no vendor, and a trade date has what was streamed.

    `vendor_key_secret`: ARN of the secret that holds the key, where `polygon_api_key` is not given itself. `symbols`:
    comma list, or `*` for the whole market. `compared_symbols`: of how many the vendor's minutes are asked for.
    """

    lake_bucket: str
    control_table: str
    rest_url: str = ""
    polygon_api_key: str = ""
    vendor_key_secret: str = ""
    calls_a_minute: int = 5
    symbols: str = "*"
    compared_symbols: int = 20
    sessions: str = "XNYS"


class LoadSettings(msgspec.Struct, frozen=True):
    """What fills the database and settles; the database itself is in `PostgresSettings`."""

    lake_bucket: str
    control_table: str
    sessions: str = "XNYS"


class JobSettings(msgspec.Struct, frozen=True):
    """What runs in a container. `code_version` is written beside each file of the lake."""

    lake_bucket: str
    control_table: str
    bars_table: str
    sessions: str = "XNYS"
    code_version: str = "local"
