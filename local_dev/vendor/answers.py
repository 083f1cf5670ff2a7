"""REST bodies in the vendor's shape, built from recorded lines: numbers keep the digits they were recorded with."""

import json
from typing import Any

import msgspec

_NONE = msgspec.Raw()
_ZEROS = b"000000"  # recorded times are ms, REST times ns


class _Line(msgspec.Struct, gc=False):
    """A well-formed trade event, its values untouched."""

    sym: str
    x: msgspec.Raw
    i: msgspec.Raw
    p: msgspec.Raw
    s: msgspec.Raw
    t: int
    q: msgspec.Raw
    z: msgspec.Raw = _NONE
    c: msgspec.Raw = _NONE
    trfi: int = 0
    trft: int = 0
    ds: msgspec.Raw = _NONE


_DECODER = msgspec.json.Decoder(_Line)


def trade_object(line: bytes) -> bytes:
    """A trade of `/v3/trades` (rest.md 6.9). Keys without a value are left out."""
    event = _DECODER.decode(line)
    parts = [b'{"price":%b,"size":%b,"exchange":%b,"id":%b' % (event.p, event.s, event.x, event.i)]
    if _has_conditions(event):
        parts.append(b'"conditions":%b' % event.c)
    parts.append(b'"sip_timestamp":%d%b,"sequence_number":%b' % (event.t, _ZEROS, event.q))
    if event.z:
        parts.append(b'"tape":%b' % event.z)
    if event.trfi:
        parts.append(b'"trf_id":%d' % event.trfi)
    if event.trft:
        parts.append(b'"trf_timestamp":%d%b' % (event.trft, _ZEROS))
    if event.ds:
        parts.append(b'"decimal_size":%b' % event.ds)
    return b",".join(parts) + b"}"


def snapshot_object(line: bytes) -> bytes:
    """A ticker of the snapshot (rest.md 6.7) that knows only its last trade."""
    event = _DECODER.decode(line)
    conditions = b'"c":%b,' % event.c if _has_conditions(event) else b""
    ticker = json.dumps(event.sym).encode()
    trade = b'{"p":%b,"s":%b,"x":%b,%b"i":%b,"t":%d%b}' % (
        event.p, event.s, event.x, conditions, event.i, event.t, _ZEROS,
    )  # fmt: skip  # one line a key would hide the shape
    return b'{"ticker":%b,"updated":%d%b,"lastTrade":%b}' % (ticker, event.t, _ZEROS, trade)


def _has_conditions(event: _Line) -> bool:
    return bytes(event.c).strip(b"[] \t\r\n") != b""


def envelope(head: dict[str, Any], list_name: str, objects: list[bytes]) -> bytes:
    """`head` plus `list_name`: the objects, one JSON object."""
    return json.dumps(head).encode()[:-1] + b', "%b": [' % list_name.encode() + b",".join(objects) + b"]}"


def error_body(status: str, request_id: str, text: str) -> bytes:
    """Clients read `error` or `message`, so both hold the text."""
    return json.dumps({"status": status, "request_id": request_id, "error": text, "message": text}).encode()
