"""A frame of the socket, element by element: one that cannot be read does not take its neighbours along."""

import json
from typing import Any

import msgspec

_raw_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_ONCE_IN_A_TRADE = (b'"p":', b'"s":', b'"t":')


class Repeated(dict[str, Any]):
    """An object with a key that stands twice: parsers differ on which one counts."""


def may_repeat_keys(data: bytes | str, trades: int) -> bool:
    """Whether a frame of so many trades may name a price, size or time twice. To look closer costs much more."""
    if isinstance(data, str):
        return True
    return any(data.count(key) > trades for key in _ONCE_IN_A_TRADE)


def elements_of(data: bytes | str) -> list[Any]:
    """The elements of a frame; bytes stand for one that cannot be read, or for a frame that cannot."""
    try:
        elements = json.loads(data, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        try:
            return [_read(bytes(raw)) for raw in _raw_decoder.decode(data)]
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            return [data if isinstance(data, bytes) else data.encode(errors="replace")]
    return elements if isinstance(elements, list) else [elements]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Repeated(found)


def _read(raw: bytes) -> Any:
    try:
        return json.loads(raw, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        return raw
