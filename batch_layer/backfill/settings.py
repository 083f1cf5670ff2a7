"""Settings of a backfill's process on AWS, from its environment."""

import msgspec


class BackfillSettings(msgspec.Struct, frozen=True):
    """As those of the nightly's (batch_layer/nightly/settings.py). `calls_a_minute`: of this process alone; those that
    run side by side share what the key may ask."""

    lake_bucket: str
    rest_url: str
    polygon_api_key: str = ""
    vendor_key_secret: str = ""
    calls_a_minute: int = 5
    symbols: str = "*"
    sessions: str = "XNYS"
    code_version: str = "local"
    aws_batch_job_array_index: int = -1
    """Which child of an array job this is, as AWS Batch says; -1 in a plain job."""
