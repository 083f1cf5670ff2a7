"""The vendor's own Python clients, old and new, unmodified, read days and reference data from our server."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import massive  # type: ignore[import-untyped]  # it ships no type information
import pytest
from massive.exceptions import BadResponse as NewBadResponse  # type: ignore[import-untyped]  # the same
from polygon import RESTClient  # type: ignore[import-untyped]  # the same
from polygon.exceptions import BadResponse as OldBadResponse  # type: ignore[import-untyped]  # the same

from tests.unit.local_dev.vendor.table_files import bar, midnight_ns, serving_tables, write_actions, write_daily

REFUSED = (OldBadResponse, NewBadResponse)
DAYS = ["2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07", "2020-01-08"]


@pytest.fixture(params=[RESTClient, massive.RESTClient], ids=["polygon", "massive"])
def rest(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """Five days of A (split on the fourth), two of B; a dividend of each; C is only listed."""
    lines = [bar("A", day, f"{number}.25", count=str(number)) for number, day in enumerate(DAYS)]
    write_daily(tmp_path, *lines, *(bar("B", day) for day in DAYS[:2]))
    write_actions(tmp_path, "A,2020-01-07,1,4,", "A,2020-01-03,,,0.8200", "B,2020-01-03,20,1,", "B,2020-01-08,,,1.5")
    (tmp_path / "minute").mkdir()
    nine_thirty = midnight_ns(DAYS[0]) + (9 * 60 + 30) * 60 * 10**9
    minutes = "".join(f"A,100,1,2,3,1,{nine_thirty + 60 * 10**9 * number},7\n" for number in range(3))
    header = "ticker,volume,open,close,high,low,window_start,transactions\n"
    (tmp_path / "minute/A_2020-01-02.csv").write_text(header + minutes)
    tickers = "ticker,name,type,primary_exchange,active\nB,Bell Corp,CS,XNYS,\nC,Gone Inc,CS,XNAS,false\n"
    (tmp_path / "tickers.csv").write_text(tickers)
    with serving_tables(tmp_path) as server:
        yield request.param(api_key="key", base=server.url)


@pytest.mark.parametrize("limit", [1, 2, 4, 5, 50_000])
@pytest.mark.parametrize("sort", ["asc", "desc"])
def test_the_days_of_a_symbol_come_once_each_whatever_the_page(rest: Any, limit: int, sort: str) -> None:
    bars = list(rest.list_aggs("A", 1, "day", DAYS[0], DAYS[-1], adjusted=False, limit=limit, sort=sort))
    expected = DAYS if sort == "asc" else DAYS[::-1]
    assert [one.timestamp for one in bars] == [midnight_ns(day) // 10**6 for day in expected]
    closes = {one.timestamp: one.close for one in bars}
    assert closes == {midnight_ns(day) // 10**6: number + 0.25 for number, day in enumerate(DAYS)}


def test_both_ends_of_a_range_are_included_and_moved_to_whole_days(rest: Any) -> None:
    noon_ms = [midnight_ns(day) // 10**6 + 43_200_000 for day in DAYS[1:3]]
    for ends in (DAYS[1:3], noon_ms):
        assert len(list(rest.list_aggs("A", 1, "day", *ends, adjusted=False))) == 2


def test_a_count_that_nobody_knows_is_left_out(rest: Any) -> None:
    counts = [one.transactions for one in rest.get_aggs("A", 1, "day", DAYS[0], DAYS[-1], adjusted=False)]
    assert counts == [None, 1, 2, 3, 4]


def test_minutes_are_served_too(rest: Any) -> None:
    bars = rest.get_aggs("A", 1, "minute", DAYS[0], DAYS[0], adjusted=False)
    assert [one.transactions for one in bars] == [7, 7, 7]
    assert bars[1].timestamp - bars[0].timestamp == 60_000


def test_nothing_found_is_an_empty_answer_and_no_error(rest: Any) -> None:
    assert list(rest.list_aggs("NONE", 1, "day", DAYS[0], DAYS[-1])) == []
    assert list(rest.list_aggs("A", 1, "day", "2021-01-01", "2021-01-31")) == []
    assert rest.get_grouped_daily_aggs("2020-01-04") == []


def test_the_market_of_a_day_has_every_symbol_at_the_end_of_the_session(rest: Any) -> None:
    bars = rest.get_grouped_daily_aggs(DAYS[1], adjusted=False)
    close_ms = midnight_ns(DAYS[1]) // 10**6 + 16 * 3_600_000
    assert [(one.ticker, one.timestamp) for one in bars] == [("A", close_ms), ("B", close_ms)]
    assert len(rest.get_grouped_daily_aggs(DAYS[2], adjusted=False)) == 1


def test_prices_before_a_split_are_adjusted_unless_asked_otherwise(rest: Any) -> None:
    adjusted = rest.get_aggs("A", 1, "day", DAYS[2], DAYS[4])
    assert [(one.close, one.open, one.volume) for one in adjusted] == [
        (2.25 / 4, 2.5, 4000), (3.25, 10, 1000), (4.25, 10, 1000),
    ]  # fmt: skip  # the day of the split has the new price
    market = rest.get_grouped_daily_aggs(DAYS[0])
    assert [(one.ticker, one.high, one.volume) for one in market] == [("A", 11.25 / 4, 4000), ("B", 11.25 * 20, 50)]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("A", 2, "day", DAYS[0], DAYS[1]), "multiplier"),
        (("A", 1, "week", DAYS[0], DAYS[1]), "timespan"),
        (("A", 1, "day", DAYS[1], DAYS[0]), "'to' cannot be a time that occurs before 'from'"),
        (("A", 1, "day", "yesterday", DAYS[0]), "from"),
    ],
)
def test_what_is_not_served_is_said(rest: Any, asked: tuple[Any, ...], words: str) -> None:
    with pytest.raises(REFUSED, match=words):
        rest.get_aggs(*asked)


@pytest.mark.parametrize("limit", [1, 10])
def test_splits_are_paged_and_filtered_across_pages(rest: Any, limit: int) -> None:
    splits = [(one.ticker, one.execution_date, one.split_from, one.split_to) for one in rest.list_splits(limit=limit)]
    assert splits == [("A", "2020-01-07", 1, 4), ("B", "2020-01-03", 20, 1)]
    assert [one.ticker for one in rest.list_splits(ticker_gt="A", limit=limit)] == ["B"]
    assert [one.ticker for one in rest.list_splits(execution_date_gte="2020-01-04")] == ["A"]
    assert [one.ticker for one in rest.list_splits(reverse_split=True)] == ["B"]


def test_dividends_are_paged_and_filtered(rest: Any) -> None:
    rows = [
        (one.ticker, one.ex_dividend_date, Decimal(str(one.cash_amount)))
        for one in rest.list_dividends(order="asc", sort="ex_dividend_date", limit=1)
    ]
    assert rows == [("A", "2020-01-03", Decimal("0.82")), ("B", "2020-01-08", Decimal("1.5"))]
    assert [one.ticker for one in rest.list_dividends(cash_amount_gt=1)] == ["B"]
    assert [one.ticker for one in rest.list_dividends(ticker="A")] == ["A"]


def test_tickers_are_the_active_ones_and_know_what_their_table_says(rest: Any) -> None:
    assert [(one.ticker, one.name, one.type) for one in rest.list_tickers(limit=1)] == [
        ("A", "A", None), ("B", "Bell Corp", "CS"),
    ]  # fmt: skip  # as a list it reads better
    assert [one.ticker for one in rest.list_tickers(active=False)] == ["C"]
    assert [one.ticker for one in rest.list_tickers(search="bell")] == ["B"]
    assert [one.ticker for one in rest.list_tickers(exchange="XNYS")] == ["B"]
    assert rest.get_ticker_details("C").active is False
    with pytest.raises(REFUSED, match="Ticker not found"):
        rest.get_ticker_details("NONE")


def test_the_whole_recorded_history_is_what_the_files_hold(recorded: Path) -> None:
    with serving_tables(recorded) as server:
        rest = RESTClient(api_key="key", base=server.url)
        bars = list(rest.list_aggs("AAPL", 1, "day", "1998-01-02", "2021-03-31", adjusted=False, limit=1000))
        adjusted = list(rest.list_aggs("AAPL", 1, "day", "1998-01-02", "2021-03-31"))
        splits = [(one.execution_date, one.split_to) for one in rest.list_splits(ticker="AAPL", order="asc")]
        dividends = list(rest.list_dividends(ticker="BAC", limit=7))
    assert len(bars) == 5849
    assert bars[0].close == 16.25
    assert adjusted[0].close == pytest.approx(16.25 / (2 * 2 * 7 * 4), abs=1e-9)
    assert adjusted[-1].close == bars[-1].close
    assert splits == [("2000-06-21", 2), ("2005-02-28", 2), ("2014-06-09", 7), ("2020-08-31", 4)]
    assert len(dividends) == 90
