"""How processes of this machine are asked: directly, whatever proxy the environment names for the world outside."""

import ipaddress
import urllib.request
from typing import Literal
from urllib.parse import urlsplit

PROBE_SECONDS = 1.0
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(url: str) -> bytes:
    """What a GET of an address of this machine brings. Raises OSError, also for an answer that is none of 2xx."""
    with _direct.open(url, timeout=PROBE_SECONDS) as answer:
        body: bytes = answer.read()
    return body


def proxy_for(url: str) -> Literal[True] | None:
    """What websockets is told: True, the environment's proxy if there is one; None, never one, for this machine.

    >>> proxy_for("ws://127.0.0.1:8000/stocks"), proxy_for("wss://market.example/stocks")
    (None, True)
    """
    host = urlsplit(url).hostname or ""
    try:
        is_ours = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_ours = host == "localhost"
    return None if is_ours else True
