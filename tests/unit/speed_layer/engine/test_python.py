"""The engine gives what giving every part to every window still open for it would give."""

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.bars.algebra import merge, merge_all
from shared.bars.windows import STREAM_TIMEFRAMES, late_rank
from shared.models.bar import EMPTY, Edges, Partial
from speed_layer.engine.python import ClosedWindow, PythonEngine
from tests.effort import examples

HOUR = 1_381_237_200
"""2013-10-08 09:00 in New York, Unix s."""


def _partial(n: int, sec: int) -> Partial:
    key = f"{sec * 1000 + n % 1000:013d}{n:012d}{1 + n % 50:018d}"
    edges = Edges(key, key, 1 + n % 50, 1 + n % 50)
    return Partial(*edges, volume=n, notional=n * n, count=1, day=Edges() if n % 3 == 0 else None)


parts = st.tuples(st.just("part"), st.sampled_from(["A", "B"]), st.integers(0, 3 * 3_600), st.integers(1, 999))
moves = st.tuples(st.just("move"), st.just(""), st.one_of(st.integers(0, 90), st.integers(0, 4_000)), st.just(0))


@pytest.mark.fault("F70")
@settings(max_examples=examples(250), deadline=None)
@given(st.lists(st.one_of(parts, parts, moves), max_size=60), st.sampled_from([0, 0, 900, 3_600, 3_660, 5_000]))
def test_each_window_of_rank_k_holds_the_parts_on_which_fewer_than_k_had_closed(
    steps: list[tuple[str, str, int, int]], emit_after: int
) -> None:
    engine, promise = PythonEngine(HOUR + emit_after), HOUR
    windows: dict[tuple[str, str, int], Partial] = defaultdict(lambda: EMPTY)
    closed: list[ClosedWindow] = []
    for kind, sym, by, n in [*steps, ("move", "", 10**6, 0)]:
        if kind == "move":
            promise += by
            batch = engine.close(promise)
            assert batch == sorted(batch, key=lambda w: (STREAM_TIMEFRAMES[w.tf], w.start, w.sym))
            assert all(w.start + STREAM_TIMEFRAMES[w.tf] <= promise for w in batch)
            closed += batch
            continue
        sec = HOUR + by
        late = late_rank(sec, promise)
        engine.add(sym, sec, late, _partial(n, sec))
        for rank, (tf, width) in enumerate(STREAM_TIMEFRAMES.items(), start=1):
            if rank > late:
                windows[sym, tf, sec - sec % width] = merge(windows[sym, tf, sec - sec % width], _partial(n, sec))
    assert len(closed) == len({window[:3] for window in closed}), "a window closes once"
    assert {window[:3]: window.partial for window in closed} == {
        key: partial for key, partial in windows.items() if key[2] >= HOUR + emit_after
    }


def test_a_window_closes_when_the_promise_reaches_its_end_and_not_a_second_before() -> None:
    engine = PythonEngine()
    engine.add("A", HOUR + 59, 0, _partial(1, HOUR + 59))
    assert engine.close(HOUR + 59) == []
    assert [(w.tf, w.start) for w in engine.close(HOUR + 60)] == [("1m", HOUR)]
    assert engine.close(HOUR + 299) == []
    assert [w.tf for w in engine.close(HOUR + 3_600)] == ["5m", "15m", "30m", "1h"]


def test_the_stored_late_decides_not_the_promise_of_now() -> None:
    engine = PythonEngine()
    engine.add("A", HOUR, 1, _partial(1, HOUR))
    engine.add("A", HOUR, 0, _partial(2, HOUR))
    one, five, *_ = engine.close(HOUR + 300)
    assert one.partial == _partial(2, HOUR)
    assert five.partial == merge_all([_partial(1, HOUR), _partial(2, HOUR)])


def test_a_part_on_which_everything_had_closed_is_not_the_engines() -> None:
    engine = PythonEngine()
    engine.add("A", HOUR, 5, _partial(1, HOUR))
    assert engine.close(HOUR + 10**6) == []


def test_windows_that_began_before_the_tail_are_not_emitted_but_their_minutes_count_upward() -> None:
    engine = PythonEngine(emit_from=HOUR + 60)
    engine.add("A", HOUR, 0, _partial(1, HOUR))
    engine.add("A", HOUR + 60, 0, _partial(2, HOUR + 60))
    assert [(w.tf, w.start) for w in engine.close(HOUR + 3_600)] == [("1m", HOUR + 60)]


def test_touched_minutes_are_those_that_changed_since_the_last_call_and_are_open() -> None:
    engine = PythonEngine()
    engine.add("A", HOUR, 0, _partial(1, HOUR))
    engine.add("B", HOUR + 60, 0, _partial(2, HOUR + 60))
    engine.add("B", HOUR, 1, _partial(3, HOUR))
    assert sorted(engine.touched_minutes()) == [
        ("A", HOUR, _partial(1, HOUR)),
        ("B", HOUR + 60, _partial(2, HOUR + 60)),
    ]
    assert list(engine.touched_minutes()) == []
    engine.add("A", HOUR + 1, 0, _partial(4, HOUR + 1))
    assert list(engine.touched_minutes()) == [("A", HOUR, merge(_partial(1, HOUR), _partial(4, HOUR + 1)))]
    engine.add("A", HOUR + 2, 0, _partial(5, HOUR + 2))
    engine.close(HOUR + 60)
    assert list(engine.touched_minutes()) == []
