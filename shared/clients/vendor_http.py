"""How the vendor is asked over HTTP: where the key goes, whose pages are followed, what a status means."""

from urllib.parse import urlsplit

from shared.errors import AccessRefused, InvalidRecord, SourceUnavailable
from shared.observability import conceal

TRY_AGAIN = (429, 500, 502, 503, 504)
"""Statuses after which the same question may be answered."""


def key_headers(api_key: str) -> dict[str, str]:
    """The key goes in a header, never in a URL, and from here on in no log."""
    conceal(api_key)
    return {"Authorization": f"Bearer {api_key}", "Accept-Encoding": "gzip"}


def on_our_host(base: str, url: str) -> str:
    """A URL of the vendor's on the host that we were told to ask: the key goes to no other.

    Raises InvalidRecord `page`.
    """
    try:
        wanted, ours = urlsplit(url), urlsplit(base)
    except ValueError as error:
        raise InvalidRecord("page", f"next_url cannot be read: {error}") from error
    return wanted._replace(scheme=ours.scheme, netloc=ours.netloc).geturl()


def check_status(status: int) -> None:
    """Raises AccessRefused, SourceUnavailable or InvalidRecord `status` for anything but 200."""
    if status in (401, 403):
        raise AccessRefused(f"the vendor refused the request ({status}): check the key and its plan")
    if status in TRY_AGAIN:
        raise SourceUnavailable(f"the vendor answered {status}")
    if status != 200:
        raise InvalidRecord("status", f"the vendor answered {status}")
