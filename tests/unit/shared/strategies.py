"""Hypothesis strategies: trades as the tape may report them, and the partials that trades can reach."""

from datetime import date

from hypothesis import strategies as st

from shared.bars.algebra import merge_all, prepare
from shared.bars.scale import MAX_PRICE, MAX_SIZE
from shared.bars.sessions import SessionDay, new_york_sessions
from shared.models.bar import Partial
from shared.models.trade import Trade

HALF_DAY = date(2026, 11, 27)
SESSIONS = [day for day in map(new_york_sessions().day, [date(2013, 10, 8), HALF_DAY]) if day is not None]
KNOWN = [0, 2, 5, 7, 10, 12, 13, 14, 15, 16, 37, 38, 41]
"""Ids with rules of every kind."""
UNRULED = [57, 999]
"""One that the vendor lists without rules, one that it does not list."""

conditions = st.lists(st.sampled_from([*KNOWN, *UNRULED]), max_size=3).map(tuple)
prices = st.one_of(st.integers(1, 5).map(lambda dollars: dollars * 10**9), st.integers(1, MAX_PRICE))
sizes = st.one_of(st.sampled_from([0, 1, 10**6, 100 * 10**6]), st.integers(0, MAX_SIZE))


def times(session: SessionDay) -> st.SearchStrategy[int]:
    """Instants of a session (Unix ms), often at the edges of the regular hours."""
    edges = [session.regular_open, session.regular_close]
    return st.one_of(
        st.sampled_from([edge + shift for edge in edges for shift in (-1, 0, 1)]),
        st.integers(session.start, session.end - 1),
    )


@st.composite
def trades_of_a_session(draw: st.DrawFn, min_size: int = 0, max_size: int = 8) -> tuple[SessionDay, list[Trade]]:
    """A session and trades of one symbol in it, in no order; no two share (t, q)."""
    session = draw(st.sampled_from(SESSIONS))
    keys = draw(
        st.lists(st.tuples(times(session), st.integers(0, 3)), min_size=min_size, max_size=max_size, unique=True)
    )
    trades = [
        Trade("SPY", t, q, 4, 0, str(number), draw(prices), draw(sizes), draw(conditions), 1)
        for number, (t, q) in enumerate(keys)
    ]
    return session, trades


@st.composite
def partials(draw: st.DrawFn) -> Partial:
    """A partial that trades can reach; all that a test draws may be merged with one another."""
    session, trades = draw(trades_of_a_session(max_size=4))
    return merge_all(prepare(trade, session) for trade in trades)
