"""The vendor as a process on AWS asks it: with the key that is given, or that of the secret."""

from typing import Protocol

from batch_layer.fetch.bucket import TokenBucket
from batch_layer.fetch.rest import VendorRest
from shared.clients.aws import client
from shared.errors import PermanentError


class VendorChosen(Protocol):
    """Settings: see `batch_layer.nightly.settings.FetchSettings`."""

    @property
    def rest_url(self) -> str: ...
    @property
    def polygon_api_key(self) -> str: ...
    @property
    def vendor_key_secret(self) -> str: ...
    @property
    def calls_a_minute(self) -> int: ...


def vendor_rest(chosen: VendorChosen) -> VendorRest:
    """Raises PermanentError where no key is named."""
    key = chosen.polygon_api_key or _secret(chosen.vendor_key_secret)
    return VendorRest(chosen.rest_url, key, TokenBucket(chosen.calls_a_minute))


def _secret(arn: str) -> str:
    if not arn:
        raise PermanentError("POLYGON_API_KEY or VENDOR_KEY_SECRET must be set where REST_URL is")
    value: str = client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    return value
