"""The opaque cursor of `next_url`: URL-safe base64, without padding, of a query string, as Polygon's are.

It is checked against the path it was made for, so one that was altered or belongs to another request is refused. That
guards against mistakes, not against malice: a cursor grants nothing.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from serving_layer.api.refusals import BadRequest


class Cursor(NamedTuple):
    """Of bars: where windows are counted from and where the page starts (Unix ms), and the first page's query.

    `as_of` in RFC 3339, empty where the first page did not say it.
    """

    anchor: int
    position: int
    limit: int
    sort: str
    adjusted: bool
    as_of: str = ""

    def encode(self, spot: str) -> str:
        """`spot`: the part of the path that this cursor belongs to."""
        fields = {**self._asdict(), "adjusted": "true" if self.adjusted else "false"}
        return seal({name: value for name, value in fields.items() if value != ""}, spot)

    @classmethod
    def decode(cls, text: str, spot: str) -> "Cursor":
        """The cursor made for `spot`. Raises BadRequest for any other text."""
        fields = unseal(text, spot)
        try:
            return cls(
                int(fields["anchor"]),
                int(fields["position"]),
                int(fields["limit"]),
                fields["sort"],
                fields["adjusted"] == "true",
                fields.get("as_of", ""),
            )
        except (ValueError, KeyError) as error:
            raise invalid_cursor() from error


def seal(fields: Mapping[str, object], spot: str) -> str:
    """The cursor that carries these fields (none of them empty) and belongs to `spot`."""
    text = urlencode(fields)
    check = hashlib.sha256(f"{spot}?{text}".encode()).hexdigest()[:16]
    return base64.urlsafe_b64encode(f"{text}&check={check}".encode()).decode().rstrip("=")


def unseal(text: str, spot: str) -> dict[str, str]:
    """The fields that were sealed for `spot`. Raises BadRequest for any text that `seal` would not have written."""
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        fields = dict(parse_qsl(packed, strict_parsing=True))
        del fields["check"]
    except (binascii.Error, ValueError, KeyError) as error:
        raise invalid_cursor() from error
    if seal(fields, spot) != text:
        raise invalid_cursor()
    return fields


def invalid_cursor() -> BadRequest:
    """What every cursor that does not fit is answered with."""
    return BadRequest("The parameter 'cursor' is not valid for this request")
