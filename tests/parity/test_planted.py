"""Mutation: faults planted in the text of the Python engine, of the rebuild and of the reference, one at a time.

Each must make the comparison differ that says they are the same; those of the Flink job are in test_flink_faults.py.
"""

import sys
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest

from batch_layer.rebuild import minutes as rebuild
from shared.bars import algebra
from shared.bars.sessions import new_york_sessions
from shared.stores.lake import Lake
from speed_layer.engine import python as engine
from tests.parity import ours, reference, speed_path
from tests.parity.generate import Feed, generate
from tests.parity.raw_log import logged
from tests.parity.reference import WIDTHS_MS, Bar, Reference
from tests.parity.speed_path import SpeedPath, replayed

DAY, SEED = date(2013, 11, 29), 51
"""A half day."""
Bars = dict[tuple[str, str], list[Bar]]
"""(symbol, timeframe) -> what is presented, in order."""

ENGINE = {
    "windows that begin a second early": ("sec - sec % width", "(sec + 1) - (sec + 1) % width"),
    "a part left out": (
        "self._merge_into(late, sym, sec, partial)",
        "sec % 60 or self._merge_into(late, sym, sec, partial)",
    ),
    "late parts left out": ("if late >= len(_TIMEFRAMES)", "if late >= 1"),
    "late parts a window too far": (
        "if late >= len(_TIMEFRAMES):",
        "late += late > 0\n        if late >= len(_TIMEFRAMES):",
    ),
    "longer windows without the shorter ones": ("if rank + 1 < len(_TIMEFRAMES)", "if rank + 2 < len(_TIMEFRAMES)"),
    "parts counted twice": (
        "merge(window.get(sym, EMPTY), partial)",
        "merge(merge(window.get(sym, EMPTY), partial), partial)",
    ),
    "a window that starts anew": ("merge(window.get(sym, EMPTY), partial)", "partial"),
}
ALGEBRA = {
    "an open that came first": ("min(a.first, b.first)", "a.first"),
    "a close that came last": ("max(a.last, b.last)", "b.last"),
    "MIN for MAX": ("max(a.high, b.high)", "min(a.high, b.high)"),
    "MAX for MIN": ("min(a.low, b.low)", "max(a.low, b.low)"),
    "shares of one part alone": ("a.volume + b.volume", "max(a.volume, b.volume)"),
    "notional in dollars": ("a.notional + b.notional", "(a.notional + b.notional) // 10**15 * 10**15"),
    "parts counted for trades": ("a.count + b.count", "a.count + 1"),
}
REBUILD = {
    "repeats counted": (".unique(list(_IDENTITY))", ""),
    "parts of a second taken for one": (".unique(list(_IDENTITY))", '.unique(["sym", "sec"])'),
    "MAX for MIN": ("pl.col(*_LEAST).min()", 'pl.col("first", "day_first").min(), pl.col("low", "day_low").max()'),
    "an open that comes last": ("pl.col(*_LEAST).min()", "pl.col(*_LEAST).max()"),
    "minutes that end with their last second": ('pl.col("sec") // 60', '(pl.col("sec") - 1) // 60'),
    "late parts left out": (
        "if head.bar is None or",
        "if head.late:\n                continue\n            if head.bar is None or",
    ),
    "the upper half of the notional": ("* NOTIONAL_SPLIT + int(rest)", "* NOTIONAL_SPLIT"),
}
REFERENCE = {
    "repeats counted": (" WHERE copy = 1;", ";"),
    "a half day that is a whole one": ("t < regular_close", "t < regular_close + 3 * 3600000"),
    "conditions of which one allows": ("bool_and(coalesce(high_low, false))", "bool_or(coalesce(high_low, false))"),
    "MAX for MIN": ("min(price) FILTER (high_low)", "max(price) FILTER (high_low)"),
    "all shares": ("coalesce(sum(size) FILTER (volume), 0)", "coalesce(sum(size), 0)"),
    "windows with their end in them": (
        "anchor + (t - anchor) // width * width ",
        "anchor + (t - 1 - anchor) // width * width ",
    ),
    "a VWAP that is cut": ("CASE WHEN 2 * rest > divisor", "CASE WHEN 2 * rest > 3 * divisor"),
}


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Feed:
    return generate(tmp_path_factory.mktemp("feed"), SEED, days=(DAY,), bursts=10)


@pytest.fixture(scope="module")
def right(feed: Feed) -> Bars:
    return of_reference(Reference(feed.files))


@pytest.fixture(scope="module")
def path(feed: Feed) -> SpeedPath:
    path = played(feed)
    assert path.framer.counts["late"] > 5
    assert path.intake.duplicates > 5
    return path


@pytest.fixture(scope="module")
def lake(path: SpeedPath) -> Lake:
    return logged(path.frames, SEED).lake


def played(feed: Feed) -> SpeedPath:
    return replayed(feed.files, SEED, frame=3, decisions=0.9)


def of_reference(of: Reference) -> Bars:
    return {(sym, tf): of.bars(sym, width) for sym in of.symbols() for tf, width in WIDTHS_MS.items()}


def of_engine(path: SpeedPath, like: Bars) -> Bars:
    return {key: ours.presented(path.windows(*key)) for key in like}


def of_rebuild(module: ModuleType, lake: Lake, like: Bars) -> Bars:
    minutes = list(module.rebuild_minutes(lake, DAY, new_york_sessions()))
    return {
        (sym, tf): ours.presented({t: partial for of, t, partial in minutes if of == sym})
        for sym, tf in like
        if tf == "1m"
    }


def minutes_of(bars: Bars) -> Bars:
    return {key: of for key, of in bars.items() if key[1] == "1m"}


def planted(module: ModuleType, old: str, new: str) -> ModuleType:
    """The module once more, with other words in one place; the module itself stays as it is."""
    text = Path(str(module.__file__)).read_text()
    assert old in text, "the fault can be planted nowhere"
    copy = ModuleType(f"{module.__name__}_planted")
    sys.modules[copy.__name__] = copy  # a Struct asks its module for the names in its annotations
    try:
        exec(compile(text.replace(old, new), copy.__name__, "exec"), copy.__dict__)  # noqa: S102 -- our own text
    finally:
        del sys.modules[copy.__name__]
    return copy


def test_without_a_fault_nothing_differs(right: Bars, path: SpeedPath, lake: Lake) -> None:
    assert sum(map(len, right.values())) > 300
    assert of_engine(path, right) == right
    assert of_rebuild(rebuild, lake, right) == minutes_of(right)


@pytest.mark.parametrize("fault", ENGINE.values(), ids=ENGINE)
def test_a_fault_in_the_python_engine_is_found(
    fault: tuple[str, str], feed: Feed, right: Bars, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed_path, "PythonEngine", planted(engine, *fault).PythonEngine)
    assert of_engine(played(feed), right) != right


@pytest.mark.parametrize("fault", ALGEBRA.values(), ids=ALGEBRA)
def test_a_fault_in_the_engines_merge_is_found(
    fault: tuple[str, str], feed: Feed, right: Bars, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "merge", planted(algebra, *fault).merge)
    assert of_engine(played(feed), right) != right


@pytest.mark.parametrize("fault", REBUILD.values(), ids=REBUILD)
def test_a_fault_in_the_rebuild_is_found(fault: tuple[str, str], right: Bars, lake: Lake) -> None:
    assert of_rebuild(planted(rebuild, *fault), lake, right) != minutes_of(right)


@pytest.mark.parametrize("fault", REFERENCE.values(), ids=REFERENCE)
def test_a_fault_in_the_reference_is_found(
    fault: tuple[str, str], feed: Feed, right: Bars, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = fault
    text = reference.SQL.read_text()
    assert old in text, "the fault can be planted nowhere"
    (tmp_path / "bars.sql").write_text(text.replace(old, new))
    monkeypatch.setattr(reference, "SQL", tmp_path / "bars.sql")
    assert of_reference(Reference(feed.files)) != right
