"""The secret by which the API knows its edge. Two values are good at any time, so that it can be changed in use."""

import hmac
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import StoreUnavailable

STAGES = ("AWSCURRENT", "AWSPREVIOUS")
KEPT_S = 300.0
"""How long values are believed without a look at the secret."""
PAUSE_S = 10.0
"""Between two looks, however many wrong values come."""


class OriginSecret:
    """`arn`: of the secret in Secrets Manager. `clock` gives seconds that only grow."""

    def __init__(self, secrets: Any, arn: str, clock: Callable[[], float]) -> None:
        self._secrets, self._arn, self._clock = secrets, arn, clock
        self._values: tuple[str, ...] = ()
        self._read_at: float | None = None

    def admits(self, value: str) -> bool:
        """Whether this is the secret, or the one before it. Raises StoreUnavailable when neither was ever read."""
        if self._age() >= KEPT_S:
            self._read()
        if self._is_good(value):
            return True
        if self._age() >= PAUSE_S:  # the secret may have been changed since
            self._read()
        return self._is_good(value)

    def _age(self) -> float:
        return KEPT_S if self._read_at is None else self._clock() - self._read_at

    def _is_good(self, value: str) -> bool:
        given = value.encode()
        found = [hmac.compare_digest(given, known.encode()) for known in self._values]  # all, whichever it is
        return any(found)

    def _read(self) -> None:
        """Values that cannot be read again stay good."""
        try:
            self._values = tuple(filter(None, map(self._value, STAGES)))
        except (BotoCoreError, ClientError) as error:
            if not self._values:
                raise StoreUnavailable(f"origin secret: {error}") from error
        self._read_at = self._clock()

    def _value(self, stage: str) -> str:
        """Empty where the secret has no such value: before it is first changed there is none before."""
        try:
            return str(self._secrets.get_secret_value(SecretId=self._arn, VersionStage=stage)["SecretString"])
        except ClientError as error:
            if stage != STAGES[0] and error.response["Error"]["Code"] == "ResourceNotFoundException":
                return ""
            raise
