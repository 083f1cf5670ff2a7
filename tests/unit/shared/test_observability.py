"""A log line is one JSON object, whatever is logged."""

import json
import logging
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from shared.observability import event, logger

Written = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A logger that no other test has made."""
    return f"tests.{request.node.name}"


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Written:
    """The lines that a logger made in the test has written to the standard error stream."""
    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_fields_stand_beside_level_logger_and_message(name: str, written: Written) -> None:
    event(logger(name), logging.ERROR, "record quarantined", reason="price", sequence="42")
    (line,) = written()
    assert (line["level"], line["logger"], line["message"]) == ("ERROR", name, "record quarantined")
    assert (line["reason"], line["sequence"]) == ("price", "42")


def test_a_message_of_several_lines_stays_one_line(name: str, written: Written) -> None:
    event(logger(name), logging.ERROR, "first\nsecond", at_day=date(2026, 11, 27))
    (line,) = written()
    assert line["message"] == "first\nsecond"
    assert line["at_day"] == "2026-11-27", "what JSON does not know is written as text"


def test_an_exception_keeps_its_trace_inside_the_line(name: str, written: Written) -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        logger(name).exception("failed")
    assert "ValueError: broken" in written()[0]["exception"]


def test_less_than_the_level_of_the_environment_is_not_written(name: str, written: Written) -> None:
    event(logger(name), logging.INFO, "quiet")
    assert written() == []


def test_asking_twice_for_a_logger_does_not_write_twice(name: str, written: Written) -> None:
    logger(name)
    event(logger(name), logging.ERROR, "once")
    assert len(written()) == 1
