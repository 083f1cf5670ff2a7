"""Splits on read: against factors that others published, by laws, and where the vendor's rows are wrong."""

import csv
import gzip
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bars.adjust import (
    NO_SPLITS,
    RAW,
    Adjustment,
    Factor,
    Finding,
    Verdict,
    adjust_bar,
    adjust_day,
    audit,
    present_adjusted,
    usable,
)
from shared.models.bar import Bar, Partial
from shared.models.daily import DailyBar, Split

KNOWN = datetime(2020, 1, 1, tzinfo=UTC)
LATER = KNOWN + timedelta(days=30)
TODAY = date(2021, 4, 1)
SYMBOLS = ["AAPL", "AIG", "BAC", "BNO", "FB", "IWM", "SPY"]
NEW_YORK = ZoneInfo("America/New_York")
USD, SHARE = 10**9, 10**6


def split(
    day: date, split_from: str, split_to: str, *, sym: str = "AAPL", id_: str = "", known: datetime = KNOWN
) -> Split:
    return Split(sym, day, Decimal(split_from), Decimal(split_to), id_ or f"{sym}{day}", known)


def rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        yield from csv.DictReader(lines)


def recorded_splits(recorded: Path) -> list[Split]:
    return [
        split(date.fromisoformat(row["ex_date"]), row["split_from"], row["split_to"], sym=row["ticker"])
        for row in rows(recorded / "corporate_actions.csv")
        if row["split_from"]
    ]


def recorded_days(recorded: Path, sym: str) -> list[DailyBar]:
    return [
        DailyBar(
            sym,
            datetime.fromtimestamp(int(row["window_start"]) // 10**9, NEW_YORK).date(),
            open=int(Decimal(row["open"]) * USD),
            high=int(Decimal(row["high"]) * USD),
            low=int(Decimal(row["low"]) * USD),
            close=int(Decimal(row["close"]) * USD),
            volume=int(Decimal(row["volume"]) * SHARE),
        )
        for row in rows(recorded / "daily" / f"{sym}.csv.gz")
    ]


@pytest.mark.parametrize("sym", SYMBOLS)
def test_every_recorded_day_is_adjusted_as_the_published_factors_say(recorded: Path, sym: str) -> None:
    published = [
        (date.fromisoformat(row["date"]), float(row["split_factor"]))
        for row in rows(recorded / "factors.csv")
        if row["ticker"] == sym
    ]
    known = [one for one in usable(recorded_splits(recorded), TODAY) if one.sym == sym]
    adjustment, days = Adjustment(known), recorded_days(recorded, sym)
    assert len(days) > 2_000
    for day in days:
        factor = next((factor for through, factor in published if through >= day.day), 1.0)
        adjusted = adjustment.day(day)
        for was, now in zip(day[2:6], adjusted[2:6], strict=True):
            assert abs((now or 0) - (was or 0) * factor) <= 1e-5 * (was or 0) * factor
        assert abs(adjusted.volume - day.volume / factor) <= 1e-5 * day.volume / factor


def test_recorded_prices_confirm_every_recorded_split_and_refute_them_a_week_later(recorded: Path) -> None:
    splits = recorded_splits(recorded)
    bars = [bar for sym in SYMBOLS for bar in recorded_days(recorded, sym)]
    assert len(splits) == 11
    assert [found.verdict for found in audit(splits, bars)] == [Verdict.CONFIRMED] * 11
    moved = [one._replace(day=one.day + timedelta(days=7)) for one in splits]
    assert Verdict.CONFIRMED not in {found.verdict for found in audit(moved, bars)}


def test_a_minute_goes_by_the_new_york_date_of_its_start() -> None:
    """AAPL, 7 for 1 on 2014-06-09: 645.57 before it was 92.22 after."""
    adjustment = Adjustment([split(date(2014, 6, 9), "1", "7")])
    midnight = int(datetime(2014, 6, 9, tzinfo=NEW_YORK).timestamp()) * 1000
    bar = Bar(midnight - 60_000, 645_570_000_000, 646 * USD, 645 * USD, 645_630_000_000, 700 * SHARE, 6_455_700, 9)
    before, after = adjustment.bar(bar), adjustment.bar(bar._replace(t=midnight))
    assert after == bar._replace(t=midnight)
    assert before == Bar(
        bar.t, 92_224_285_714, 92_285_714_286, 92_142_857_143, 92_232_857_143, 4_900 * SHARE, 922_243, 9
    )


def test_a_bar_of_the_split_day_is_at_the_new_price_already() -> None:
    adjustment = Adjustment([split(date(2014, 6, 9), "1", "7")])
    assert adjustment.factor(date(2014, 6, 8)) == (1, 7)
    assert adjustment.factor(date(2014, 6, 9)) == RAW


def test_ratios_may_be_fractions_and_stay_exact() -> None:
    adjustment = Adjustment([split(date(2014, 6, 9), "1", "0.7137"), split(date(2015, 6, 9), "3", "7")])
    assert adjustment.factor(date(2015, 1, 1)) == (3, 7)
    assert Fraction(*adjustment.factor(date(2014, 1, 1))) == Fraction(10_000, 7_137) * Fraction(3, 7)


def test_a_split_of_a_later_day_is_not_in_force_yet() -> None:
    some = [split(date(2021, 4, 1), "1", "2"), split(date(2021, 4, 2), "1", "3")]
    assert usable(some, TODAY) == some[:1]


def test_what_was_not_known_then_does_not_adjust() -> None:
    some = [split(date(2019, 1, 1), "1", "2"), split(date(2019, 6, 1), "1", "3", known=LATER)]
    assert usable(some, TODAY, KNOWN) == some[:1]
    assert usable(some, TODAY, LATER) == usable(some, TODAY) == some


def test_of_two_rows_for_a_day_the_one_known_last_stands_and_before_it_was_known_the_other() -> None:
    day = date(2019, 1, 1)
    first, second = split(day, "1", "20", id_="b"), split(day, "20", "1", id_="a", known=LATER)
    for some in ([first, second], [second, first]):
        assert usable(some, TODAY) == [second]
        assert usable(some, TODAY, KNOWN) == [first]


@pytest.mark.parametrize(
    ("said", "verdict"),
    [(("1", "7"), "confirmed"), (("7", "1"), "refuted"), (("1", "70"), "refuted"), (("100", "101"), "unknown")],
)
def test_the_jump_from_close_to_open_judges_a_split(said: tuple[str, str], verdict: str) -> None:
    friday, monday = date(2014, 6, 6), date(2014, 6, 9)
    bars = [
        DailyBar("AAPL", friday, 650 * USD, 651 * USD, 644 * USD, 645 * USD, 1),
        DailyBar("AAPL", monday, 92 * USD, 94 * USD, 91 * USD, 93 * USD, 1),
        DailyBar("AIG", friday, 55 * USD, 56 * USD, 54 * USD, 55 * USD, 1),
        DailyBar("AIG", monday, 55 * USD, 56 * USD, 54 * USD, 55 * USD, 1),
    ]
    one, other = split(monday, *said), split(monday, *said, sym="AIG")
    found = audit([one, other], bars)
    assert found[0] == Finding(one, Verdict(verdict), Fraction(92, 645), Fraction(int(said[0]), int(said[1])))
    assert found[1].verdict in (Verdict.REFUTED, Verdict.UNKNOWN), "its price did not move"


def test_a_split_without_bars_on_both_sides_is_unknown() -> None:
    one = split(date(2014, 6, 9), "1", "7")
    alone = DailyBar("AAPL", one.day, 92 * USD, 94 * USD, 91 * USD, 93 * USD, 1)
    unpriced = DailyBar("AAPL", date(2014, 6, 6), None, None, None, None, 0)
    for bars in ([], [alone], [unpriced, alone], [alone._replace(sym="AIG", day=date(2014, 6, 6)), alone]):
        assert audit([one], bars) == [Finding(one, Verdict.UNKNOWN, None, Fraction(1, 7))]


days = st.dates(date(2010, 1, 1), date(2020, 12, 31))
ratios = st.decimals("0.01", 50, places=2) | st.integers(1, 100).map(Decimal)
splits = st.builds(
    Split, st.just("AAPL"), days, ratios, ratios, st.sampled_from(["a", "b", "c"]), st.sampled_from([KNOWN, LATER])
)
prices = st.integers(1, 10**16)
bars = st.builds(
    DailyBar,
    st.just("AAPL"),
    days,
    prices,
    prices,
    prices,
    prices,
    st.integers(0, 10**17),
    st.none() | st.integers(1, 10**11),
    st.none() | st.integers(0, 10**6),
)


@given(st.lists(splits, max_size=6), days, bars)
def test_one_split_that_stands_for_several_adjusts_as_they_do(some: list[Split], day: date, bar: DailyBar) -> None:
    chosen = usable(some, TODAY)
    product = Fraction(1)
    for one in chosen:
        if one.day > day:
            product *= Fraction(one.split_from) / Fraction(one.split_to)
    merged = Split("AAPL", date(2020, 12, 31), Decimal(product.numerator), Decimal(product.denominator), "m", KNOWN)
    at = bar._replace(day=day)
    expected = Adjustment([merged]).day(at) if day < merged.day else at
    assert Adjustment(chosen).day(at) == expected


@given(st.lists(splits, max_size=6), st.randoms(use_true_random=False))
def test_rows_that_are_sent_again_in_any_order_change_nothing(some: list[Split], random: object) -> None:
    again = some + some
    random.shuffle(again)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    distinct = {(one.day, one.known_at, one.id): one for one in some}
    if len(distinct) == len(set(some)):  # else two rows differ in nothing but the ratio
        assert usable(again, TODAY) == usable(some, TODAY)


@given(bars, st.fractions(Fraction(1, 1_000), 1_000))
def test_adjusted_numbers_are_the_exact_ones_rounded_half_to_even(bar: DailyBar, times: Fraction) -> None:
    adjusted = adjust_day(bar, Factor(times.numerator, times.denominator))
    with localcontext(prec=80):
        ratio = Decimal(times.numerator) / Decimal(times.denominator)
        for name in ("open", "high", "low", "close", "vwap"):
            value = getattr(bar, name)
            if value is None:
                assert getattr(adjusted, name) is None
            elif (value * times * 2).denominator != 1:  # decimals tell no tie of fractions
                assert getattr(adjusted, name) == int((value * ratio).to_integral_value(ROUND_HALF_EVEN))
            else:
                assert getattr(adjusted, name) == round(value * times)
    assert adjusted.volume == round(bar.volume / times)
    assert (adjusted.sym, adjusted.day, adjusted.count) == (bar.sym, bar.day, bar.count)


@given(bars)
def test_a_factor_and_its_inverse_bring_whole_multiples_back(bar: DailyBar) -> None:
    times = bar._replace(
        open=(bar.open or 0) * 28, high=(bar.high or 0) * 28, low=(bar.low or 0) * 28, close=(bar.close or 0) * 28
    )._replace(vwap=None)
    assert adjust_day(adjust_day(times, Factor(1, 28)), Factor(28, 1)) == times


@given(st.lists(splits, min_size=1, max_size=6), st.integers(0, 10), st.integers(1, 10**12))
def test_a_span_has_one_factor_exactly_where_no_split_begins_inside(some: list[Split], at: int, width: int) -> None:
    chosen = usable(some, TODAY)
    midnights = [int(datetime(*one.day.timetuple()[:3], tzinfo=NEW_YORK).timestamp()) * 1000 for one in chosen]
    start = midnights[at % len(midnights)] - width // 2
    inside = any(start < midnight < start + width for midnight in midnights)
    assert (Adjustment(chosen).only_factor(start, start + width) is None) == inside


def test_without_splits_everything_stays_as_it_is() -> None:
    bar = Bar(0, 1, 2, 1, 2, 5, None, 1)
    assert NO_SPLITS.only_factor(0, 10**13) == RAW
    assert NO_SPLITS.bar(bar) is bar
    assert adjust_bar(bar, RAW) is bar


def test_the_vwap_of_a_partial_is_rounded_once() -> None:
    """10.00014 a share is shown as 10.0001, half of which would be shown as 5; half of 10.00014 is shown as 5.0001."""
    partial = Partial(
        "0" * 25 + f"{10 * USD:018d}", "1" * 25 + f"{10 * USD:018d}", 10 * USD, 10 * USD, 3 * SHARE, 30_000_420 * USD, 2
    )
    whole, half = (Bar(0, usd, usd, usd, usd, 3 * SHARE, None, 2) for usd in (10 * USD, 5 * USD))
    half = half._replace(volume=6 * SHARE)
    assert present_adjusted(0, partial, RAW) == whole._replace(vwap=100_001)
    assert present_adjusted(0, partial, Factor(1, 2)) == half._replace(vwap=50_001)
    assert present_adjusted(0, partial._replace(volume=0), Factor(1, 2)) == half._replace(volume=0)
    assert present_adjusted(0, partial._replace(first=None), Factor(1, 2)) is None
