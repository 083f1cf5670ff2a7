"""The newest trade of a symbol among all that is framed, however it is cut into parts and frames."""

from hypothesis import given
from hypothesis import strategies as st

from shared.models.trade import Trade
from tests.unit.speed_layer.feed import T0, Rig, trade


def test_the_newest_by_time_then_sequence_is_handed_out_once_with_exact_numbers() -> None:
    rig = Rig()
    rig.take(trade(1, T0, q=7), trade(2, T0 + 900, q=5, p=167.43, s=0.5, c=[14, 41]), trade(3, T0 + 900, q=4))
    assert rig.framer.newest.take() == [], "nothing is framed yet"
    rig.framer.flush()
    assert rig.framer.newest.take() == [Trade("SPY", T0 + 900, 5, 12, 0, "2", 167_430_000_000, 500_000, (14, 41), 2)]
    assert rig.framer.newest.take() == []
    rig.take(trade(4, T0 + 500, q=9))
    rig.framer.flush()
    assert [one.i for one in rig.framer.newest.take()] == ["4"], "older, and new since: who keeps them compares"


trades = st.lists(
    st.tuples(st.sampled_from(["SPY", "A"]), st.integers(0, 1_999), st.integers(0, 5), st.booleans()), max_size=30
)


@given(trades)
def test_what_is_handed_out_is_the_greatest_of_all_that_was_framed_since(
    given_trades: list[tuple[str, int, int, bool]],
) -> None:
    rig = Rig()
    waiting: dict[str, list[tuple[int, int]]] = {}
    for n, (sym, after, q, then_take) in enumerate(given_trades):
        rig.take(trade(n, T0 + after, sym=sym, q=q))
        if n % 3 == 0:
            rig.framer.flush()
        waiting.setdefault(sym, []).append((T0 + after, q))
        if then_take:
            rig.framer.flush()
            found = {one.sym: (one.t, one.q) for one in rig.framer.newest.take()}
            assert found == {name: max(seen) for name, seen in waiting.items()}
            waiting = {}
    assert rig.framer.newest.symbols <= {sym for sym, *_ in given_trades}
    rig.framer.flush()
    assert rig.framer.newest.symbols == {sym for sym, *_ in given_trades}
