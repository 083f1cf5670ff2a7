"""Everything that differs on a trade date, with its reason: the raw log is asked once for days and once for minutes."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from batch_layer.reconcile.beside import Beside, Differs, SpeedDiffers, Vendor, Volumes, by_day, shown
from batch_layer.reconcile.days import DayCase, explain_day
from batch_layer.reconcile.evidence import Evidence
from batch_layer.reconcile.facts import DayFacts
from batch_layer.reconcile.minutes import Case, explain
from batch_layer.reconcile.report import Between, Difference, Kind, Why, differing, texts
from batch_layer.reconcile.speed import explain_speed
from batch_layer.reconcile.witness import Seen
from batch_layer.reconcile.words import clock
from shared.bars.totals import Shown
from shared.bars.windows import MINUTE_MS
from shared.models.bar import EMPTY

Gap = tuple[int, int]
"""[from, to) in Unix ms in which the feed was away; one that has not ended reaches beyond any date."""


class Reasons:
    """`before`: what the vendor had told earlier."""

    def __init__(self, beside: Beside, evidence: Evidence, before: Vendor, gaps: Sequence[Gap]) -> None:
        self._beside, self._evidence, self._gaps = beside, evidence, gaps
        self._minutes = {(one.sym, one.t): one for one in beside.minutes_differ}
        self._speed = {(one.sym, one.t): one for one in beside.speed_differs}
        self._before = {key: bar for sym, t, bar in before.minutes if (key := (sym, t)) in self._minutes}
        self._days_before = by_day(before.days)
        self._kinds: dict[tuple[str, int], Kind] = {}

    def all(self) -> Iterator[Difference]:
        """Minutes hour by hour, then those that we have no trade of, then days. Raises StoreUnavailable."""
        asked: dict[str, set[int]] = {sym: set() for sym, _ in self._minutes}
        for one in self._beside.days_differ:
            asked.setdefault(one.sym, set()).update(one.theirs[:4] if one.theirs else ())
        facts = self._evidence.days(asked)
        wanted: dict[str, set[int]] = defaultdict(set)
        for sym, t in {**self._minutes, **self._speed}:
            wanted[sym].add(t)
        for sym, t, trades in self._evidence.minutes(wanted):
            wanted[sym].discard(t)
            yield from self._of_minute(sym, t, trades, facts)
        for sym, left in wanted.items():
            for t in sorted(left):
                yield from self._of_minute(sym, t, [], facts)
        for one in self._beside.days_differ:
            yield self._of_day(one, facts[one.sym])

    def _of_minute(self, sym: str, t: int, trades: list[Seen], facts: dict[str, DayFacts]) -> Iterator[Difference]:
        if behind := self._speed.get((sym, t)):
            yield _speed(behind, explain_speed(behind.speed, behind.rebuilt, trades))
        if one := self._minutes.get((sym, t)):
            why = self._corrected(one, self._before.get((sym, t)))
            why = why or explain(Case(t, one.ours, one.theirs, trades, facts[sym], self._beside.session))
            why = self._away(t, why)
            self._kinds[sym, t] = why.kind
            yield difference("vendor minutes", one, why)

    def _of_day(self, one: Differs, facts: DayFacts) -> Difference:
        why = self._corrected(one, self._days_before.get(one.sym))
        if why is None:
            volumes = self._beside.volumes.get(one.sym, Volumes())
            kind = self._kinds.get((one.sym, volumes.most[1]))
            why = explain_day(DayCase(one.ours, one.theirs, facts, volumes.more, kind, volumes.through))
        return difference("vendor days", one, why)

    def _corrected(self, one: Differs, former: Shown | None) -> Why | None:
        if former is None or former == one.theirs or differing(one.ours, former):
            return None
        told = ", ".join(differing(former, one.theirs))
        return Why("correction", f"the vendor had told our bar before, and has changed it since: {told}")

    def _away(self, t: int, why: Why) -> Why:
        away = next((gap for gap in self._gaps if gap[0] < t + MINUTE_MS and t < gap[1]), None)
        if away is None or why.kind not in {"gap", "unexplained"}:
            return why
        session = self._beside.session
        since, until = clock(max(away[0], session.start)), clock(min(away[1], session.end))
        return Why("gap", f"the feed was away from {since} to {until}; {why.reason}")


def difference(between: Between, one: Differs, why: Why) -> Difference:
    fields = differing(one.ours, one.theirs)
    return Difference(between, one.sym, one.t, why.kind, why.reason, fields, texts(one.ours), texts(one.theirs))


def _speed(one: SpeedDiffers, why: Why) -> Difference:
    """What a reader sees of both; they may differ in what is not shown."""
    rebuilt, speed = shown(one.rebuilt or EMPTY), shown(one.speed or EMPTY)
    return Difference(
        "speed view", one.sym, one.t, why.kind, why.reason, differing(rebuilt, speed), texts(rebuilt), texts(speed)
    )
