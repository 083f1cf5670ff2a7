from datetime import UTC, date, datetime
from typing import Any

import pytest

from shared.stores.runs import FAILED, FINISHED, RUNNING, Run
from tests.fakes.settled_dates import SettledDates
from tests.unit.serving_layer.doubles import NOW_S, T0, Api, Control

PATH = "/v1/completeness"
MONDAY, TUESDAY = date(2013, 10, 7), date(2013, 10, 8)
KNOWN = datetime(2013, 10, 9, 2, tzinfo=UTC)
HOUR = 3_600_000


class Runs:
    def __init__(self, *runs: Run) -> None:
        self._runs = runs

    def runs(self, first: date, last: date) -> list[Run]:
        return [run for run in self._runs if first <= run.day <= last]


def run_of(day: date, state: str, deadline_s: float) -> Run:
    return Run(day, "me", state, 1_381_280_400.0, deadline_s, {"fetch": {"calls": 3}}, {"settled": 9}, 2)


def api_of(*epochs: dict[str, Any], **parts: Any) -> Api:
    """The feed's time is Tuesday's open."""
    control = Control({"source": "trades/", "state": "ended"}, [{"last_trade_ms": T0}, *epochs])
    return Api(control=control, **parts)


def rows(api: Api, query: str = "") -> dict[str, Any]:
    return {row["date"]: row for row in api.get(f"{PATH}{query}")["results"]}


def test_the_sessions_of_two_weeks_up_to_the_feeds_date_by_default() -> None:
    weeks = [25, 26, 27, 30, 1, 2, 3, 4, 7, 8]
    expected = [f"2013-{'09' if day > 20 else '10'}-{day:02}" for day in weeks]
    assert list(rows(api_of())) == expected
    assert rows(api_of())["2013-10-08"] == {"date": "2013-10-08", "complete": True, "gaps": []}


def test_a_range_is_that_of_its_sessions_and_ends_with_the_feeds_date() -> None:
    assert list(rows(api_of(), "?from=2013-10-04&to=2013-12-31")) == ["2013-10-04", "2013-10-07", "2013-10-08"]
    assert rows(api_of(), "?from=2013-10-05&to=2013-10-06") == {}


def test_a_settled_date_tells_since_when_and_by_whom() -> None:
    dates = SettledDates()
    dates.settle("1m", MONDAY, known_at=KNOWN, source="raw log")
    dates.settle("1m", MONDAY, known_at=KNOWN.replace(day=11), source="raw log")
    found = rows(api_of(settled=dates))
    assert found["2013-10-07"]["settled"] == {
        "known_at": "2013-10-11T02:00:00Z",
        "since": "2013-10-09T02:00:00Z",
        "source": "raw log",
    }
    assert "settled" not in found["2013-10-08"]


def test_a_run_tells_its_state_and_a_dead_one_is_seen() -> None:
    runs = Runs(
        run_of(date(2013, 10, 3), FINISHED, 0), run_of(date(2013, 10, 4), FAILED, 0),
        run_of(MONDAY, RUNNING, NOW_S - 1), run_of(TUESDAY, RUNNING, NOW_S + 1),
    )  # fmt: skip
    found = rows(api_of(runs=runs))
    states = {day: row["run"]["state"] for day, row in found.items() if "run" in row}
    assert states == {"2013-10-03": "finished", "2013-10-04": "failed", "2013-10-07": "dead", "2013-10-08": "running"}
    assert found["2013-10-07"]["run"] == {
        "state": "dead",
        "started": "2013-10-09T01:00:00Z",
        "runs": 2,
        "steps": {"fetch": {"calls": 3}},
        "detail": {"settled": 9},
    }


def test_a_date_with_a_gap_of_the_feed_in_it_is_not_complete() -> None:
    monday, midnight = T0 - 24 * HOUR, T0 - 9 * HOUR - HOUR // 2
    api = api_of({"holes": [[monday, monday + HOUR]]}, {"holes": [[midnight - HOUR, midnight], [T0, T0 + 5]]})
    gaps = {day: row["gaps"] for day, row in rows(api).items() if not row["complete"]}
    assert gaps == {
        "2013-10-07": [{"start": monday, "end": monday + HOUR}, {"start": midnight - HOUR, "end": midnight}],
        "2013-10-08": [{"start": T0, "end": T0 + 5}],
    }


def test_a_gap_of_one_trade_where_a_session_begins_is_a_gap_too() -> None:
    """What `/v2/aggs` calls incomplete, the date is not complete for either."""
    midnight = T0 - 9 * HOUR - HOUR // 2
    api = api_of({"holes": [[midnight, midnight]]})
    assert [day for day, row in rows(api).items() if not row["complete"]] == ["2013-10-08"]


def test_a_gap_that_is_being_filled_is_the_last_ingesters() -> None:
    left = {"holes": [], "hole_from": T0 - 48 * HOUR}
    assert all(row["complete"] for row in rows(api_of(left, {"holes": [], "hole_from": 0})).values())
    gaps = {day: row["gaps"] for day, row in rows(api_of(left, {"hole_from": T0})).items() if row["gaps"]}
    assert gaps == {"2013-10-08": [{"start": T0, "end": None}]}


@pytest.mark.parametrize(
    "query", ["from=2013-10-09&to=2013-10-08", "from=x", "to=2013", "from=2012-01-01&to=2013-01-02", "to=1&to=2"]
)
def test_what_is_no_range_is_refused(query: str) -> None:
    assert api_of().send(f"{PATH}?{query}")["statusCode"] == 400
    assert api_of().send(f"{PATH}?from=2012-01-02&to=2013-01-01")["statusCode"] == 200
