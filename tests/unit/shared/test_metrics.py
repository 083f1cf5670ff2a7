"""Lines of metrics, as CloudWatch reads them."""

import json
import re
import sys
from typing import Any

import pytest
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from shared.metrics import BARS_AGE, DIFFERENCES, DIMENSION, HOLES, METRICS, QUARANTINED, measured

AT_MS = 1_381_239_000_123


@pytest.fixture(autouse=True)
def namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_NAMESPACE", "condvest-test")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_says_what_powertools_says_of_the_same_values(capsys: pytest.CaptureFixture[str]) -> None:
    theirs = EphemeralMetrics(namespace="condvest-test")
    theirs.add_dimension(DIMENSION, "speed")
    theirs.add_metric("Quarantined", MetricUnit.Count, 3)
    theirs.add_metric("BarsAge", MetricUnit.Seconds, 1.5)
    with pytest.warns(UserWarning, match="14 days"):  # they mean the time of the test
        theirs.set_timestamp(AT_MS)
    expected = json.loads(json.dumps(theirs.serialize_metric_set()))
    measured("ingest", {QUARANTINED: 3, BARS_AGE: 1.5}, AT_MS)
    (ours,) = lines(capsys)
    (directive,) = expected["_aws"]["CloudWatchMetrics"]
    assert ours["_aws"]["Timestamp"] == expected["_aws"]["Timestamp"]
    assert ours["_aws"]["CloudWatchMetrics"] == [directive]
    for name in ("Quarantined", "BarsAge"):
        assert [ours[name]] == expected[name], "there a list of one value"
    assert ours[DIMENSION] == expected[DIMENSION]
    assert ours["service"] == "ingest", "beside it, for who reads the log"


def test_each_layer_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    measured("any", {DIFFERENCES: 1, HOLES: 2}, AT_MS)
    assert [(one[DIMENSION], one.get("Holes")) for one in lines(capsys)] == [("batch", None), ("speed", 2)]


def test_nothing_is_written_where_nobody_reads_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("METRICS_NAMESPACE")
    measured("any", {HOLES: 1})
    monkeypatch.setenv("METRICS_NAMESPACE", "")
    measured("any", {HOLES: 1})
    assert lines(capsys) == []


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(28, "no space"), ValueError("closed file")])
def test_an_output_that_is_gone_stops_nothing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    tried = []

    class Gone:
        def write(self, text: str) -> None:
            tried.append(text)
            raise error

    monkeypatch.setattr(sys, "stdout", Gone())
    measured("any", {HOLES: 1})
    assert len(tried) == 1


def test_names_are_told_apart_and_plain() -> None:
    assert len({(metric.name, metric.layer) for metric in METRICS}) == len(METRICS)
    assert [metric.name for metric in METRICS if not re.fullmatch(r"[A-Z][A-Za-z]+", metric.name)] == []
