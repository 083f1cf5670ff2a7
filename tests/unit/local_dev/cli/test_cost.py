"""`condvest cost`: what it prints of templates that are there already, and what it refuses."""

import argparse
import json
from collections.abc import Mapping
from datetime import date

import pytest

from local_dev.cli import cost
from local_dev.cli.main import main, parser
from local_dev.cost.assembly import Assembly
from local_dev.cost.prices import OLD_DAYS, prices
from tests.unit.local_dev.cost.templates import assembly

Asked = list[dict[str, str]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """The settings that templates were asked for; each time the ingester alone is in them."""
    found: Asked = []

    def synthesised(settings: Mapping[str, str]) -> Assembly:
        found.append(dict(settings))
        return assembly(network={})

    monkeypatch.setattr(cost, "synthesised", synthesised)
    return found


def options(*words: str) -> argparse.Namespace:
    return parser("cost").parse_args(["cost", *words])


def test_both_profiles_are_shown_with_lines_totals_and_targets(
    asked: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cost"]) == 0
    out = capsys.readouterr().out
    assert [settings["profile"] for settings in asked] == ["full", "lean"]
    for profile, target in (("full", 260), ("lean", 150)):
        assert f"{profile}: $32.50 a month, and $0.00 with push" in out
        assert f"target ${target}: under by ${target - 32.50:.2f}" in out
    assert out.count("processors of service") == 2


def test_shards_follow_the_loads_peak_unless_they_are_given(asked: Asked) -> None:
    for words in ([], ["--trades", "10000000"], ["--symbols", "50"], ["--what-if", "shards=7"]):
        assert main(["cost", "--profile", "lean", *words]) == 0
    assert [settings["shards"] for settings in asked] == ["2", "1", "1", "7"]


def test_a_change_of_the_templates_is_in_the_bill(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "--profile", "full", "--what-if", "nat_gateways=1"]) == 0
    out = capsys.readouterr().out
    assert "NAT gateway" in out
    assert f"full: ${32.50 + 36.50:.2f} a month" in out
    assert "nat_gateways" not in asked[0]


def test_another_load_is_held_against_no_target(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "--profile", "lean", "--trades", "1000"]) == 0
    assert "target" not in capsys.readouterr().out


def test_json_has_every_line_and_adds_up(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "--format", "json"]) == 0
    full, lean = json.loads(capsys.readouterr().out)
    assert (full["profile"], lean["profile"]) == ("full", "lean")
    assert sum(line["quantity"] * line["price"] for line in full["lines"]) == pytest.approx(full["total"])
    assert full["load"]["trades_a_day"] == 40_000_000


def test_old_prices_are_told_and_others_not(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    first = min(price.read for price in prices().values())
    cost.show(options("--profile", "lean"), first)
    assert capsys.readouterr().err == ""
    cost.show(options("--profile", "lean"), date.fromordinal(first.toordinal() + OLD_DAYS + 1))
    assert "prices were last looked up more than 180 days ago" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["--what-if", "nat=1"],
        ["--what-if", "trades_a_day=many"],
        ["--what-if", "flink_applications=2"],
        ["--what-if", "year=2031"],
        ["--symbols", "0"],
        ["--symbols", "5", "--trades", "5"],
        ["--trades", "x"],
    ],
)
def test_wrong_input_is_one_sentence_and_exit_code_2(
    words: list[str], asked: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cost", "--profile", "lean", *words]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Traceback" not in said
