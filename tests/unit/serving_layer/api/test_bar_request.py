"""What may be asked for, and what is refused with which words."""

from datetime import datetime

import pytest

from serving_layer.api.bar_request import BarRequest, read_request
from serving_layer.api.refusals import BadRequest
from shared.bars.windows import HOUR_MS, MINUTE_MS, NEW_YORK

PATH = {"ticker": "SPY", "multiplier": "1", "timespan": "minute", "start": "2013-10-08", "end": "2013-10-08"}


def ask(query: dict[str, list[str]] | None = None, /, **path: str) -> BarRequest:
    return read_request(**{**PATH, **path}, query=query or {})


def refused(query: dict[str, list[str]] | None = None, /, **path: str) -> str:
    with pytest.raises(BadRequest) as info:
        ask(query, **path)
    assert info.value.refusal.code == 400
    return info.value.refusal.text


def new_york(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()) * 1000


def test_a_date_is_a_new_york_day_and_to_includes_all_of_it() -> None:
    request = ask(start="2013-10-08", end="2013-10-09")
    assert (request.start, request.end) == (new_york("2013-10-08"), new_york("2013-10-10"))


@pytest.mark.parametrize(("day", "hours"), [("2013-03-10", 23), ("2013-11-03", 25), ("2013-10-08", 24)])
def test_the_days_on_which_the_clocks_change_have_their_own_length(day: str, hours: int) -> None:
    request = ask(start=day, end=day, timespan="hour")
    assert request.end - request.start == hours * HOUR_MS


def test_milliseconds_are_taken_as_they_are_and_to_includes_its_own_unit() -> None:
    request = ask(start="1381239012345", end="1381239072345")
    assert (request.start, request.end) == (1_381_239_000_000, 1_381_239_120_000)


def test_windows_count_from_the_snapped_from_and_the_last_one_is_whole() -> None:
    """Polygon's own example: one bar of 330 minutes from 04:00 is 04:00 to 09:30."""
    start = new_york("2013-10-08T04:00")
    request = ask(multiplier="330", start=str(start), end=str(start + 329 * MINUTE_MS))
    assert (request.anchor, request.end) == (start, new_york("2013-10-08T09:30"))
    longer = ask(multiplier="330", start=str(start), end=str(start + 330 * MINUTE_MS))
    assert longer.end == start + 660 * MINUTE_MS


def test_from_and_to_may_be_the_same_instant() -> None:
    request = ask(start="1381239012345", end="1381239012345")
    assert request.end - request.start == MINUTE_MS


def test_defaults_are_polygons() -> None:
    request = ask()
    assert (request.limit, request.descending, request.adjusted) == (5_000, False, True)


def test_words_may_be_in_capitals_as_python_programs_write_them() -> None:
    request = ask({"adjusted": ["False"], "sort": ["DESC"], "limit": ["50000"]})
    assert (request.limit, request.descending, request.adjusted) == (50_000, True, False)


def test_unknown_query_keys_are_ignored() -> None:
    assert ask({"options": ["<object>"], "session": ["regular"], "apiKey": ["x", "y"]}) == ask()


def test_tickers_are_case_sensitive_and_may_arrive_encoded() -> None:
    assert ask(ticker="BRK.A").sym == "BRK.A"
    assert ask(ticker="BRK%2EA").sym == "BRK.A"
    assert ask(ticker="BACpL").sym == "BACpL"


@pytest.mark.parametrize(
    "ticker",
    [
        "",
        "AAPL;DROP TABLE bars",
        "%00",
        "AAPL%0d%0aSet-Cookie:x=1",
        "ＡＡＰＬ",
        "ААРL",
        "😀",
        "A" * 17,
        "A%20B",
        "%2541",
    ],
)
def test_what_is_no_ticker_is_refused(ticker: str) -> None:
    assert "'ticker'" in refused(ticker=ticker)


@pytest.mark.parametrize("multiplier", ["0", "-1", "1.5", "1e3", "", "NaN", "٣", "01", "+1", " 1", "1" * 10])
def test_a_multiplier_is_a_whole_number_from_one(multiplier: str) -> None:
    assert "'multiplier'" in refused(multiplier=multiplier)


def test_any_multiplier_from_one_is_served() -> None:
    assert ask(multiplier="7").width_ms == 7 * MINUTE_MS
    assert ask(multiplier="999999999", timespan="hour").width_ms == 999_999_999 * HOUR_MS


def test_the_timespan_of_polygon_that_is_not_served_yet_is_named_so() -> None:
    assert refused(timespan="second").endswith("other timespans are not served yet")


@pytest.mark.parametrize(
    ("windows", "start", "end"),
    [
        ("1 day", "2013-10-08", "2013-10-10"),
        ("5 day", "2013-10-08", "2013-10-13"),
        ("1 week", "2013-10-06", "2013-10-13"),
        ("2 month", "2013-10-01", "2013-12-01"),
        ("1 quarter", "2013-10-01", "2014-01-01"),
        ("1 year", "2013-01-01", "2014-01-01"),
    ],
)
@pytest.mark.parametrize(
    ("first", "last"), [("2013-10-08", "2013-10-09"), ("1381239000000", "1381377540000")], ids=["dates", "ms"]
)
def test_days_and_longer_are_whole_new_york_dates(first: str, last: str, windows: str, start: str, end: str) -> None:
    multiplier, timespan = windows.split()
    request = ask(timespan=timespan, multiplier=multiplier, start=first, end=last)
    assert (request.start, request.end) == (new_york(start), new_york(end))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2014-06-08", "2014-06-09T03:59:59.999999+00:00"),
        ("2013-11-03", "2013-11-04T04:59:59.999999+00:00"),
        ("2014-06-08T20:00:00-04:00", "2014-06-09T00:00:00+00:00"),
        ("2014-06-08T20:00:00.5Z", "2014-06-08T20:00:00.500000+00:00"),
    ],
)
def test_as_of_is_an_instant_or_the_end_of_a_new_york_day(text: str, instant: str) -> None:
    assert ask({"as_of": [text]}).as_of == datetime.fromisoformat(instant)


@pytest.mark.parametrize(
    "text",
    ["", "now", "2014-02-30", "2014-06-08T20:00:00", "2014-06-08 20:00:00Z", "2014-06-08T25:00:00Z", "1402214400"],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    assert "'as_of'" in refused({"as_of": [text]})


@pytest.mark.parametrize("timespan", ["", "Minute", "minutes", "5m", "decade"])
def test_other_timespans_are_refused(timespan: str) -> None:
    assert refused(timespan=timespan).endswith("must be minute, hour, day, week, month, quarter or year")


@pytest.mark.parametrize(
    "text",
    [
        "abc",
        "2013-10-8",
        "20131008",
        "2013-W41-2",
        "2013-02-30",
        "1e308",
        "-1",
        "2013-10-08T09:30:00 00:00",
        "1381239000000.5",
        "٢٠١٣-١٠-٠٨",
        "0001-01-01",
        "9999-12-31",
        "",
        " 2013-10-08",
        "9" * 40,
    ],
)
def test_what_is_no_time_is_refused_with_both_forms_named(text: str) -> None:
    for name in ("start", "end"):
        words = refused(**{name: text})
        assert f"'{'from' if name == 'start' else 'to'}'" in words
        assert "YYYY-MM-DD" in words
        assert "milliseconds" in words


@pytest.mark.parametrize(
    ("text", "unit"),
    [("1381239000", "seconds"), ("1381239000000000", "microseconds"), ("1381239000000000000", "nanoseconds")],
)
def test_a_time_in_another_unit_is_recognised_by_its_magnitude(text: str, unit: str) -> None:
    assert refused(start=text).endswith(f"this number looks like {unit}")


def test_to_before_from_is_refused_in_polygons_words() -> None:
    assert refused(end="2013-10-07") == "The parameter 'to' cannot be a time that occurs before 'from'"
    assert "before" in refused(start="1381239000001", end="1381239000000")


@pytest.mark.parametrize("limit", ["0", "-1", "1000000000", "50001", "10.5", "NaN", "٣", "", "1e3"])
def test_a_limit_is_from_one_to_fifty_thousand(limit: str) -> None:
    assert refused({"limit": [limit]}) == "The parameter 'limit' must be a whole number from 1 to 50000"


@pytest.mark.parametrize(("name", "value"), [("sort", "up"), ("sort", ""), ("adjusted", "1"), ("adjusted", "yes")])
def test_other_words_are_refused(name: str, value: str) -> None:
    assert f"'{name}'" in refused({name: [value]})


def test_a_parameter_that_is_given_twice_is_refused() -> None:
    assert refused({"limit": ["1", "2"]}) == "The parameter 'limit' must be given once"


def test_words_for_the_client_never_repeat_what_it_sent() -> None:
    for name in PATH:
        assert "zebra" not in refused(**{name: "zebra!"})
    for key in ("limit", "sort", "adjusted", "cursor"):
        assert "zebra" not in refused({key: ["zebra!"]})
