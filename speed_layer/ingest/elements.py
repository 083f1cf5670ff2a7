"""A frame of the socket, element by element: one that cannot be read does not take its neighbours along."""

import json
from typing import Any

import msgspec

_raw_decoder = msgspec.json.Decoder(list[msgspec.Raw])


def elements_of(data: bytes | str) -> list[Any]:
    """The elements of a frame; bytes stand for one that cannot be read, or for a frame that cannot."""
    try:
        elements = json.loads(data)
    except (ValueError, RecursionError):
        try:
            return [_read(bytes(raw)) for raw in _raw_decoder.decode(data)]
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            return [data if isinstance(data, bytes) else data.encode(errors="replace")]
    return elements if isinstance(elements, list) else [elements]


def _read(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return raw
