"""A log line is one JSON object, whatever is logged."""

import json
import logging
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from batch_layer.fetch.flat_files import flat_client
from serving_layer.auth.keys import mint
from shared.clients.vendor_http import key_headers
from shared.observability import conceal, event, logger
from speed_layer.ingest.socket import Feed

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


CANARY = "kQ7-canary_of.a-vendor-key"


def test_a_secret_that_was_told_is_written_nowhere(name: str, written: Written) -> None:
    conceal(CANARY)
    try:
        raise ValueError(f"refused with {CANARY}")
    except ValueError:
        logger(name).exception("as %s", CANARY, extra={"fields": {"url": f"https://vendor/?k={CANARY}", "n": 1}})
    (line,) = written()
    assert CANARY not in json.dumps(line)
    assert (line["message"], line["url"], line["n"]) == ("as ***", "https://vendor/?k=***", 1)
    assert line["exception"].endswith("ValueError: refused with ***")


def test_a_secret_with_quotes_in_it_is_written_nowhere(name: str, written: Written) -> None:
    conceal('ends "here", it says')
    event(logger(name), logging.ERROR, 'it ends "here", it says', given=['ends "here", it says'])
    (line,) = written()
    assert (line["message"], line["given"]) == ("it ***", ["***"])


def test_a_word_that_is_too_short_for_a_secret_stays(name: str, written: Written) -> None:
    conceal("local")
    event(logger(name), logging.ERROR, "a local feed")
    assert written()[0]["message"] == "a local feed"


@pytest.mark.parametrize(
    "make",
    [
        key_headers,
        lambda key: Feed("wss://vendor", key, ["T.*"], None),  # type: ignore[arg-type]  # a listener is not asked
        lambda key: flat_client("https://files", "id", key),
    ],
    ids=["headers", "socket", "files"],
)
def test_who_is_handed_the_vendors_key_tells_it(name: str, written: Written, make: Callable[[str], object]) -> None:
    key = f"{CANARY}-{name[-20:]}"
    make(key)
    event(logger(name), logging.ERROR, "refused", answer=f"no such key {key}")
    assert written()[0]["answer"] == "no such key ***"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("GET /v3/trades/SPY?apiKey=k9-x.Z_1&limit=5", "GET /v3/trades/SPY?apiKey=***&limit=5"),
        ("{'Authorization': 'Bearer k9-x.Z_1'}", "{'Authorization': 'Bearer ***'}"),
        ('{"action": "auth", "params": "k9-x.Z_1"}', '{"action": "auth", "params": "***"}'),
        ("b'{'action':'auth','params':'k9-x.Z_1'}'", "b'{'action':'auth','params':'***'}'"),
        ("host/?Action=connect&X-Amz-Signature=abc12&X-Amz-Expires=900", None),
        ("connection failed: password=k9%2Fx host=db", "connection failed: password=*** host=db"),
    ],
)
def test_what_has_the_shape_of_a_secret_is_left_out_unasked(
    name: str, written: Written, text: str, kept: str | None
) -> None:
    event(logger(name), logging.ERROR, text)
    expected = kept or "host/?Action=connect&X-Amz-Signature=***&X-Amz-Expires=900"
    assert written()[0]["message"] == expected


def test_of_a_key_of_ours_the_id_is_all_that_is_told(name: str, written: Written) -> None:
    id_, key = mint([])
    event(logger(name), logging.ERROR, f"refused {key}")
    assert written()[0]["message"] == f"refused cv_{id_}_***"
