"""What a reconciliation found, as it is kept in the lake (JSON) and drawn (page.py)."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final, Literal, NamedTuple

import msgspec

from shared.bars.scale import PRICE_DIGITS, SIZE_DIGITS, format_scaled
from shared.bars.totals import Shown
from shared.bars.windows import NEW_YORK
from shared.polygon.numbers import VWAP_DIGITS

Kind = Literal["late", "correction", "gap", "rule", "ours", "unexplained"]
KINDS: Final[Mapping[Kind, str]] = {
    "late": "trades that came after their minute had closed, and one side has not counted",
    "correction": "the vendor has changed its bar since it was asked before",
    "gap": "trades that one side never had",
    "rule": "the same trades, counted by another rule",
    "ours": "a fault of ours: a view does not follow from the trades we hold",
    "unexplained": "nothing that we hold tells why",
}
Between = Literal["speed view", "vendor minutes", "vendor days"]
"""What the rebuilt minutes are compared with; vendor days are compared with the days that they add up to."""
FIELDS: Final = ("o", "h", "l", "c", "v", "vw", "n")
"""Of a bar, as Polygon names them, in the order of `Shown`."""
VERSION: Final = 1
MOST_DETAILS: Final = 2_000
HALF_HOURS: Final = 48
_DIGITS: Final = (PRICE_DIGITS,) * 4 + (SIZE_DIGITS, VWAP_DIGITS, 0)


class Why(NamedTuple):
    """The kind of a difference, and one sentence for people."""

    kind: Kind
    reason: str


class Difference(msgspec.Struct, frozen=True):
    """One bar that differs. `t`: its start (Unix ms); numbers are plain decimals, a bar that is not there is None.

    `fields`: those of FIELDS that differ; all that are told where one side has no bar.
    """

    between: Between
    sym: str
    t: int
    kind: Kind
    reason: str
    fields: list[str]
    ours: dict[str, str] | None
    theirs: dict[str, str] | None


class Comparison(msgspec.Struct):
    """Bars of both sides put beside each other: `bars` of any side, `equal` ones, the others by kind and by symbol.

    `half_hours`: of the differing ones by kind, at 48 half hours of the New York day.
    """

    between: Between
    bars: int = 0
    equal: int = 0
    kinds: dict[Kind, int] = {}
    symbols: dict[str, tuple[int, int]] = {}
    half_hours: dict[Kind, list[int]] = {}

    @property
    def differing(self) -> int:
        return self.bars - self.equal

    def saw(self, sym: str, *, equal: bool) -> None:
        """One more bar of both sides."""
        bars, equals = self.symbols.get(sym, (0, 0))
        self.symbols[sym] = (bars + 1, equals + equal)
        self.bars += 1
        self.equal += equal

    def explained(self, kind: Kind, t: int) -> None:
        """Why one of the differing ones, which starts at `t` (Unix ms), differs."""
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        self.half_hours.setdefault(kind, [0] * HALF_HOURS)[half_hour(t)] += 1


class Report(msgspec.Struct):
    """A trade date. `differences`: at most MOST_DETAILS of each kind and comparison; the counts are of all.

    `vendor`: who told the vendor's bars, None where nobody did.
    """

    v: int
    day: date
    known_at: datetime
    vendor: str | None
    comparisons: list[Comparison]
    differences: list[Difference]

    @property
    def unexplained(self) -> int:
        return self._of("unexplained")

    @property
    def unaccounted(self) -> int:
        """Those that somebody has to look at: nothing tells why, or it is a fault of ours."""
        return self._of("unexplained") + self._of("ours")

    def _of(self, kind: Kind) -> int:
        return sum(comparison.kinds.get(kind, 0) for comparison in self.comparisons)


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Report)


def encode(report: Report) -> bytes:
    return _encoder.encode(report)


def decode(data: bytes) -> Report:
    """The inverse. Raises msgspec.DecodeError."""
    return _decoder.decode(data)


def half_hour(t: int) -> int:
    """0 to 47: which one of the New York day an instant (Unix ms) lies in."""
    at = datetime.fromtimestamp(t // 1000, NEW_YORK)
    return at.hour * 2 + at.minute // 30


def texts(bar: Shown | None) -> dict[str, str] | None:
    """The fields that are told, as plain decimals."""
    if bar is None:
        return None
    told = zip(FIELDS, bar, _DIGITS, strict=True)
    return {name: format_scaled(value, digits) for name, value, digits in told if value is not None}


def differing(ours: Shown | None, theirs: Shown | None) -> list[str]:
    """Fields in which two bars differ. What one side does not tell is not compared; VWAPs may be rounded twice."""
    if ours is None or theirs is None:
        return list(texts(ours or theirs) or ())
    allowed = dict.fromkeys(FIELDS, 0) | {"vw": 1}
    return [
        name
        for name, a, b in zip(FIELDS, ours, theirs, strict=True)
        if a is not None and b is not None and abs(a - b) > allowed[name]
    ]
