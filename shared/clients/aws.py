"""AWS clients with a time budget.

botocore waits 60 s to connect and 60 s to read by default; no step here can afford that. Retries are ours where order
matters (streams), botocore's elsewhere.
"""

from functools import lru_cache
from typing import Any

import boto3
from botocore.config import Config

CONNECT_TIMEOUT_S = 1.0


@lru_cache(maxsize=16)
def client(service: str, read_timeout_s: float = 3.0, attempts: int = 3, pool: int = 16) -> Any:
    """A boto3 client (they carry no types): `attempts` counts the first call; 1 means no retry by the SDK."""
    return boto3.session.Session().client(
        service,
        config=Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=read_timeout_s,
            retries={"total_max_attempts": attempts, "mode": "standard"},
            max_pool_connections=pool,
            tcp_keepalive=True,
        ),
    )
