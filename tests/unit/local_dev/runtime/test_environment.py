"""What a function is told on one machine: where the stand-ins are, and what its caller chose."""

import pytest

from local_dev.runtime.environment import stand_ins


def told(given: dict[str, str], *, live: bool = False) -> dict[str, str]:
    return stand_ins("http://127.0.0.1:1", "127.0.0.1:2", "SIMULATED", given, live=live)


def test_only_variables_that_a_function_has_are_replaced() -> None:
    mine = told({"CACHE_ENDPOINT": "far:6379", "BARS_TABLE": "bars"})
    assert (mine["CACHE_ENDPOINT"], mine["BARS_TABLE"], mine["AWS_ENDPOINT_URL"]) == (
        "127.0.0.1:2",
        "bars",
        "http://127.0.0.1:1",
    )
    assert "SESSIONS" not in mine


@pytest.mark.parametrize(("live", "word"), [(True, "1"), (False, "0")])
def test_who_asks_is_told_whether_the_feeds_time_is_the_hosts(live: bool, word: str) -> None:
    assert told({"LIVE": "1"}, live=live)["LIVE"] == word
    assert "LIVE" not in told({}, live=live)


def test_strategies_of_the_callers_environment_replace_those_of_the_template(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STRATEGIES", raising=False)
    assert told({"STRATEGIES": ""})["STRATEGIES"] == ""
    monkeypatch.setenv("STRATEGIES", "[]")
    assert told({"STRATEGIES": ""})["STRATEGIES"] == "[]"
    assert "STRATEGIES" not in told({})
