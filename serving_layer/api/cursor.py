"""The opaque cursor of `next_url`: URL-safe base64, without padding, of a query string, as Polygon's are.

It is checked against the path it was made for, so one that was altered or belongs to another request is refused. That
guards against mistakes, not against malice: a cursor grants nothing.
"""

import base64
import binascii
import hashlib
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from serving_layer.api.refusals import BadRequest


class Cursor(NamedTuple):
    """Where windows are counted from and where the page starts (Unix ms), and the first page's query."""

    anchor: int
    position: int
    limit: int
    sort: str
    adjusted: bool

    def encode(self, spot: str) -> str:
        """`spot`: the part of the path that this cursor belongs to."""
        fields = {
            "anchor": self.anchor,
            "position": self.position,
            "limit": self.limit,
            "sort": self.sort,
            "adjusted": "true" if self.adjusted else "false",
        }
        text = urlencode(fields)
        return _base64(f"{text}&check={_check(text, spot)}")

    @classmethod
    def decode(cls, text: str, spot: str) -> "Cursor":
        """The cursor made for `spot`. Raises BadRequest for any other text."""
        try:
            fields = dict(
                parse_qsl(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode(), strict_parsing=True)
            )
            cursor = cls(
                int(fields["anchor"]),
                int(fields["position"]),
                int(fields["limit"]),
                fields["sort"],
                fields["adjusted"] == "true",
            )
        except (binascii.Error, ValueError, KeyError) as error:
            raise invalid_cursor() from error
        if cursor.encode(spot) != text:
            raise invalid_cursor()
        return cursor


def invalid_cursor() -> BadRequest:
    """What every cursor that does not fit is answered with."""
    return BadRequest("The parameter 'cursor' is not valid for this request")


def _base64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _check(text: str, spot: str) -> str:
    return hashlib.sha256(f"{spot}?{text}".encode()).hexdigest()[:16]
