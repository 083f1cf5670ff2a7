"""A Valkey connection with a budget: 200 ms to connect, 200 ms for each answer, no retry, and a breaker.

Every key lives in one hash slot and no command spans two, so a plain connection to a cluster's single endpoint is
enough; a cluster client would ask for the topology again on each failure and so spend the budget several times over.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

import redis
from botocore.exceptions import BotoCoreError
from botocore.model import ServiceId
from botocore.session import Session, get_session
from botocore.signers import RequestSigner
from redis.backoff import NoBackoff
from redis.retry import Retry

from shared.observability import event, logger
from shared.stores.breaker import Breaker

_log = logger("cache")
R = TypeVar("R")

BUDGET_S = 0.2
TOKEN_S = 900
"""An IAM token opens connections for 15 minutes; one that is open stays so for 12 hours."""


class Valkey:
    """A connection that may fail without anybody's request failing: nothing here raises for the cache's sake.

    All stores of a process share one, so that one time-out is enough for all. `clock` gives seconds that only grow.
    """

    def __init__(self, client: "redis.Redis", clock: Callable[[], float]) -> None:
        self._client: Any = client  # typed as sync or async at once
        self._breaker = Breaker(clock)

    def attempt(self, action: Callable[[Any], R]) -> R | None:
        """What `action` makes of the client; None when the breaker is open or the cache fails, which opens it."""
        if self._breaker.is_open:
            return None
        try:
            return action(self._client)
        except redis.RedisError as error:
            self._breaker.failed()
            event(_log, logging.WARNING, "the cache did not answer: going on without it", error=str(error))
            return None

    def run(self, script: str, calls: Mapping[str, list[Any]]) -> bool:
        """One script on many keys (key -> ARGV) in one round trip; False when the cache did not take them.

        Loading the script first costs less than asking whether it is there.
        """
        if not calls:
            return True
        digest = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()

        def send(client: Any) -> bool:
            with client.pipeline(transaction=False) as pipeline:
                pipeline.script_load(script)
                for key, arguments in calls.items():
                    pipeline.evalsha(digest, 1, key, *arguments)
                pipeline.execute()
            return True

        return self.attempt(send) is not None


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
