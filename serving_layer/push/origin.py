"""Which pages may open a socket: our own. Browsers send a page's origin along, other clients send none."""

from urllib.parse import urlsplit


def same_host(origin: str | None, host: str) -> bool:
    """Whether a connection with this `Origin` header (None: it has none) to this `Host` came from a page of ours, or
    from no page. Host and port must be equal; the scheme is not looked at.

    >>> same_host("http://127.0.0.1:8000", "127.0.0.1:8000"), same_host("https://elsewhere.example", "ours.example")
    (True, False)
    """
    if origin is None:
        return True
    try:
        called_from = urlsplit(origin.lower()).netloc
    except ValueError:
        return False
    return called_from != "" and called_from == host.lower()
