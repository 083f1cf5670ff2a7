"""The vendor's minute bars of one symbol and trade date, to compare ours with. Never adjusted."""

from datetime import date
from typing import NamedTuple
from urllib.parse import quote

from batch_layer.fetch.days import BASE_BARS, day_of_row, decode_bars, read_row
from batch_layer.fetch.rest import VendorRest
from batch_layer.fetch.rows import numbers
from batch_layer.fetch.units import Refused
from shared.bars.totals import Shown
from shared.bars.windows import MINUTE_MS
from shared.errors import InvalidRecord, SourceUnavailable


class VendorMinute(NamedTuple):
    """A minute bar as the vendor tells it: start `t`, Unix ms; VWAP and count None where it does not tell them."""

    sym: str
    t: int
    bar: Shown


def fetch_minutes(rest: VendorRest, sym: str, day: date) -> tuple[list[VendorMinute], list[Refused]]:
    """In order of time, and the rows that cannot be used.

    Raises SourceUnavailable (also for minutes that do not follow one another), AccessRefused or InvalidRecord.
    """
    path = f"/v2/aggs/ticker/{quote(sym, safe='')}/range/1/minute/{day}/{day}"
    found: list[VendorMinute] = []
    refused: list[Refused] = []
    for page in rest.pages(rest.url(path, adjusted="false", sort="asc", limit=BASE_BARS), decode_bars):
        for raw in page.rows:
            try:
                row = read_row(raw)
                if day_of_row(row) != day or row.t % MINUTE_MS:
                    raise InvalidRecord("minute", f"must be a minute of {day}, was {row.t}")
                minute = VendorMinute(sym, row.t, numbers(row.texts))
            except InvalidRecord as error:
                refused.append(Refused(bytes(raw), error.reason, str(error)))
                continue
            if found and found[-1].t >= row.t:
                raise SourceUnavailable(f"the vendor's minutes of {sym} do not follow one another")
            found.append(minute)
    return found, refused
