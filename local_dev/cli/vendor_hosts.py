"""Which of the vendor's hosts to ask: data, so that business hosts and tests put their own in place."""

from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from local_dev.cli.errors import WrongInput
from local_dev.cli.vendor_key import find

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class Hosts(NamedTuple):
    """What a feed reads from. `delayed`: the stream is 15 minutes behind."""

    socket_url: str
    rest_url: str
    delayed: bool


@dataclass(frozen=True)
class VendorHosts:
    """Full addresses: two streams of US stocks, and the REST side without a slash at its end."""

    real_time: str = "wss://socket.polygon.io/stocks"
    delayed: str = "wss://delayed.polygon.io/stocks"
    rest: str = "https://api.polygon.io"


DEFAULT: Final = VendorHosts()


def vendor_hosts() -> VendorHosts:
    """The vendor's own, or what POLYGON_SOCKET_URL, POLYGON_DELAYED_SOCKET_URL and POLYGON_REST_URL say instead.

    Raises WrongInput for an address that would send the key in clear text over a network.
    """
    return VendorHosts(
        _address("POLYGON_SOCKET_URL", DEFAULT.real_time, "wss", "ws"),
        _address("POLYGON_DELAYED_SOCKET_URL", DEFAULT.delayed, "wss", "ws"),
        _address("POLYGON_REST_URL", DEFAULT.rest, "https", "http").rstrip("/"),
    )


def _address(name: str, default: str, scheme: str, plain: str) -> str:
    found = find((name,))
    if found is None:
        return default
    parts = urlsplit(found.value)
    if parts.scheme == scheme or (parts.scheme == plain and parts.hostname in LOOPBACK):
        return found.value
    raise WrongInput(f"{name} must start with {scheme}:// (or {plain}:// on this machine), was {found.value}.")
