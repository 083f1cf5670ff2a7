"""A Valkey connection with a budget: 200 ms to connect, 200 ms for each answer, no retry, and a breaker.

Every key lives in one hash slot and no command spans two, so a plain connection to a cluster's single endpoint is
enough; a cluster client would ask for the topology again on each failure and so spend the budget several times over.
"""

from collections.abc import Callable
from urllib.parse import urlencode

import redis
from botocore.exceptions import BotoCoreError
from botocore.model import ServiceId
from botocore.session import Session, get_session
from botocore.signers import RequestSigner
from redis.backoff import NoBackoff
from redis.retry import Retry

BUDGET_S = 0.2
OPEN_S = 5.0
TOKEN_S = 900
"""An IAM token opens connections for 15 minutes; one that is open stays so for 12 hours."""


class Breaker:
    """Lets nothing through for OPEN_S after a failure, then one try. `clock` gives seconds that only grow."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open_until = float("-inf")

    @property
    def is_open(self) -> bool:
        return self._clock() < self._open_until

    def failed(self) -> None:
        self._open_until = self._clock() + OPEN_S


class IamToken(redis.CredentialProvider):
    """Name and token of an ElastiCache user: a request signed here, without a call to anyone."""

    def __init__(self, user: str, cache: str, session: Session) -> None:
        self._user = user
        self._url = "https://{}/?{}".format(
            cache, urlencode({"Action": "connect", "User": user, "ResourceType": "ServerlessCache"})
        )
        self._region = session.get_config_variable("region")
        self._signer = RequestSigner(
            ServiceId("elasticache"),
            self._region,
            "elasticache",
            "v4",
            session.get_credentials(),
            session.get_component("event_emitter"),
        )

    def get_credentials(self) -> tuple[str, str]:
        """Raises redis.AuthenticationError where this process has no AWS credentials to sign with."""
        try:
            signed: str = self._signer.generate_presigned_url(
                {"method": "GET", "url": self._url, "body": {}, "headers": {}, "context": {}},
                operation_name="connect",
                expires_in=TOKEN_S,
                region_name=self._region,
            )
        except BotoCoreError as error:
            raise redis.AuthenticationError(f"no token for the cache: {error}") from error
        return self._user, signed.removeprefix("https://")


def connect(endpoint: str, user: str = "", cache: str = "") -> "redis.Redis":
    """A client of `endpoint` (host:port); connects on first use. With a `user`: TLS, and IAM for the cache named."""
    host, _, port = endpoint.rpartition(":")
    return redis.Redis(
        host=host,
        port=int(port),
        ssl=bool(user),
        credential_provider=IamToken(user, cache, get_session()) if user else None,
        socket_connect_timeout=BUDGET_S,
        socket_timeout=BUDGET_S,
        retry=Retry(NoBackoff(), 0),
        protocol=2,  # no greeting to wait for
        driver_info=None,  # nor our name to give
    )
