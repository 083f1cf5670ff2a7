"""The bill of the templates: published to the cent, dearer only with a reason, right by other reckonings."""

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import exchange_calendars
import pytest

from local_dev.cost.assembly import Assembly, Resource
from local_dev.cost.bill import Bill, NoPriceError, bill_of
from local_dev.cost.budget import TARGETS, differences, refusal
from local_dev.cost.flink import APPLICATION
from local_dev.cost.hours import running
from local_dev.cost.left_behind import left_behind
from local_dev.cost.line import Month
from local_dev.cost.load import FIELDS, Load
from local_dev.cost.page import DEPLOYMENT, PAGE, README, bills, deployment, page, published, readme
from local_dev.cost.prices import prices
from local_dev.cost.synthesis import PROFILES
from local_dev.cost.what_if import EDITS, SETTINGS, changes
from shared.bars.windows import NEW_YORK
from stacks.settings import Settings

OPEN_HOURS = (251 * 16 - 2 * 3) / 12
"""A month of 2026: sessions of 16 hours, half days three hours shorter."""
INGESTER_HOURS = OPEN_HOURS + 251 * 50 / 60 / 12
"""Half an hour before, twenty minutes after; Flink ten minutes longer."""
ROUNDED = 0.05
"""The page tells each line to the cent."""
STALE = "run `make bill`, and look at what it changes"


@pytest.fixture(scope="module")
def held(assemblies: Path) -> dict[str, Assembly]:
    return {profile: Assembly.read(assemblies / f"bill_{profile}") for profile in PROFILES}


@pytest.fixture(scope="module")
def made(held: dict[str, Assembly]) -> dict[str, Bill]:
    return bills(held)


def dollars(bill: Bill, **of: str) -> float:
    return sum(line.dollars for line in bill.lines if all(getattr(line, name) == value for name, value in of.items()))


def priced(assembly: Assembly, *edits: str) -> Bill:
    change = changes(Load(), edits)
    return bill_of(change.applied(assembly), change.load, prices())


@pytest.mark.parametrize("profile", PROFILES)
def test_the_bill_is_the_published_one(profile: str, made: dict[str, Bill]) -> None:
    told = published(PAGE.read_text(), profile)
    assert len(told) > 20
    assert refusal(profile, made[profile], told) == "", STALE
    assert list(differences(made[profile], told)) == [], STALE


def test_the_tables_of_the_documents_are_those_of_the_templates(held: dict[str, Assembly]) -> None:
    assert PAGE.read_text() == page(PAGE.read_text(), held), STALE
    assert README.read_text() == readme(README.read_text(), held), STALE
    assert DEPLOYMENT.read_text() == deployment(DEPLOYMENT.read_text(), held), STALE


def test_what_stays_when_the_stacks_go_is_what_lies_in_them(held: dict[str, Assembly]) -> None:
    lean, full = (left_behind(held[profile], Load()) for profile in ("lean", "full"))
    kinds = {"AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::SecretsManager::Secret", "AWS::RDS::DBCluster"}
    assert {line.type for line in lean.lines} == kinds
    assert not [line.counted for line in lean.lines if re.search(r"awake|put|: read|written|moved|I/O", line.counted)]
    assert 1 < lean.total < 20
    assert lean.total == pytest.approx(full.total, abs=0.1)
    assert sum(line.dollars for line in lean.lines if line.service == "Aurora") == pytest.approx(
        sum(line.dollars for line in bills(held)["lean"].lines if re.fullmatch("storage|backups", line.counted))
    )


def test_a_database_that_is_not_retained_leaves_nothing_behind(held: dict[str, Assembly]) -> None:
    bodies = json.loads(json.dumps(held["lean"].bodies))
    for body in bodies["database"]["Resources"].values():
        body["DeletionPolicy"] = "Delete"
    left = left_behind(Assembly(bodies), Load())
    assert {line.stack for line in left.lines} == {"storage", "edge"}


@pytest.mark.parametrize("profile", PROFILES)
def test_a_nat_gateway_is_refused_with_the_dollars_it_adds(profile: str, held: dict[str, Assembly]) -> None:
    said = refusal(profile, priced(held[profile], "nat_gateways=1"), published(PAGE.read_text(), profile))
    more = re.match(rf"{profile} costs \$([\d.]+) a month more than docs/cost.md says, now \$", said)
    assert more is not None, said
    assert float(more[1]) == pytest.approx(36.50, abs=ROUNDED)
    assert "network VPC: +$36.50 a month (NAT gateway $32.85, elastic address $3.65)" in said
    assert f"the target of ${TARGETS[profile]}" in said


def test_a_second_flink_application_is_refused_with_the_dollars_it_adds(held: dict[str, Assembly]) -> None:
    more = dollars(priced(held["full"]), service="Managed Flink")
    said = refusal("full", priced(held["full"], "flink_applications=2"), published(PAGE.read_text(), "full"))
    told = re.search(r"flink Managed Flink: \+\$([\d.]+) a month", said)
    assert told is not None, said
    assert float(told[1]) == pytest.approx(more, abs=ROUNDED)
    assert more > 75


@pytest.mark.parametrize("profile", PROFILES)
def test_a_type_that_nobody_has_priced_stops_the_bill(profile: str, held: dict[str, Assembly]) -> None:
    body = held[profile].bodies["network"]
    bastion = {"Bastion": {"Type": "AWS::EC2::Instance", "Properties": {"InstanceType": "t4g.nano"}}}
    more = {**held[profile].bodies, "network": {**body, "Resources": {**body["Resources"], **bastion}}}
    with pytest.raises(NoPriceError, match=r"AWS::EC2::Instance \(network Bastion\)"):
        bill_of(Assembly(more), Load(), prices())


def raw(assemblies: Path, profile: str) -> list[tuple[str, Mapping[str, Any]]]:
    """(stack, resource) straight from the files."""
    return [
        (file.name.split(".")[0].lower(), resource)
        for file in sorted((assemblies / f"bill_{profile}").glob("*.template.json"))
        for resource in json.loads(file.read_text())["Resources"].values()
    ]


@pytest.mark.parametrize("profile", PROFILES)
def test_lines_that_a_hand_can_reckon(profile: str, made: dict[str, Bill], assemblies: Path) -> None:
    """Counted from the files and multiplied with the prices of the design's own table, not of ours."""
    bill, resources = made[profile], raw(assemblies, profile)

    def count(kind: str) -> int:
        return sum(resource["Type"] == kind for _, resource in resources)

    shards = sum(r["Properties"]["ShardCount"] for _, r in resources if r["Type"] == "AWS::Kinesis::Stream")
    shard_hours = [line for line in bill.lines if line.price.name == "kinesis_shard_hour"]
    assert sum(line.dollars for line in shard_hours) == pytest.approx(shards * 0.015 * 730)
    assert shards == {"full": 4, "lean": 3}[profile]
    assert dollars(bill, service="Secrets Manager") == pytest.approx(
        0.40 * (count("AWS::SecretsManager::Secret") + count("AWS::RDS::DBCluster"))
    )
    assert dollars(bill, type="AWS::EC2::NatGateway") == 0
    assert dollars(bill, service="API Gateway") == pytest.approx(3.50)
    assert sum(line.dollars for line in bill.lines if line.price.name == "dashboard") == 3 * count(
        "AWS::CloudWatch::Dashboard"
    )
    assert dollars(bill, stack="speed", service="ElastiCache", counted="valkey, 0.1 GB") == pytest.approx(
        6.13, abs=0.005
    )
    # One processor and 2 GB of ARM by the clock; a quarter and half a GB for push, day and night.
    assert dollars(bill, stack="speed", service="Fargate") == pytest.approx(28.83 * INGESTER_HOURS / 730, abs=0.005)
    assert dollars(bill, stack="push", service="Fargate") == pytest.approx(7.21, abs=0.005)


def test_what_was_reckoned_before_anything_was_built_is_met_where_it_was_built_so(made: dict[str, Bill]) -> None:
    """The design's worked lines for this load. Each leaves out what it did not know of, which is given here."""
    full, lean = made["full"], made["lean"]
    assert dollars(full, service="Managed Flink") == pytest.approx(
        76.2 * (INGESTER_HOURS + 251 / 6 / 12) / (16 * 21), rel=0.02
    )
    assert dollars(lean, service="Managed Flink") == 0
    trades = sum(x.dollars for x in full.lines if x.resource.startswith("Trades") and x.service == "Kinesis")
    bars = sum(x.dollars for x in full.lines if x.resource.startswith("Bars") and x.service == "Kinesis")
    assert trades == pytest.approx(23.1 + 10.95, abs=0.75)  # a shard more
    assert bars == pytest.approx(11.1, abs=0.25)
    ticks = dollars(full, counted="ticks: written")
    assert ticks == pytest.approx(13.1, rel=0.15)
    assert dollars(full, service="Aurora") == pytest.approx(34.0, abs=4)  # and the hours of the nights
    assert dollars(full, service="ElastiCache") == pytest.approx(6.5, abs=2)
    task = dollars(full, stack="speed", service="Fargate") * 730 / INGESTER_HOURS
    assert task + 3.65 == pytest.approx(32.5, abs=0.05)  # reckoned day and night


def check_year(assembly: Assembly, process: Resource, year: int) -> None:
    """Day by day against an independent calendar; the schedules are those of the template."""
    spans = running(assembly, process, year)
    by_day = {span.start.astimezone(NEW_YORK).date(): span for span in spans}
    days = exchange_calendars.get_calendar("XNYS", end="2030-01-01").schedule.loc[f"{year}-01-01" : f"{year}-12-31"]
    assert set(days.index.date) == by_day.keys(), "it runs on days of rest, or not on a session"
    for day, close in zip(days.index.date, days["close"], strict=True):
        span = by_day[day]
        assert span.start < datetime.combine(day, time(4), NEW_YORK).astimezone(UTC)
        assert close.to_pydatetime() + timedelta(hours=4) < span.end
        half = close.to_pydatetime().astimezone(NEW_YORK).hour == 13
        assert span.hours < (15 if half else 18), f"{day}: it does not rest at night"
    assert len(days) == len(spans)
    assert len({span.start.hour for span in spans}) == 2, "winter and summer"


@pytest.mark.parametrize("year", range(2024, 2030))
def test_flink_runs_through_every_session_and_rests_at_night(year: int, held: dict[str, Assembly]) -> None:
    (application,) = held["full"].of(APPLICATION)
    check_year(held["full"], application, year)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_ingester_is_billed_for_the_hours_that_its_clock_leaves_it(profile: str, held: dict[str, Assembly]) -> None:
    """With it, those of every session; without it, all of them."""
    assembly = held[profile]
    for year in range(2024, 2030):
        check_year(assembly, assembly.ingester(), year)
    assert Month(assembly, Load(), prices()).hours(assembly.ingester()) == pytest.approx(INGESTER_HOURS)
    without = changes(Load(), ["session_clock=off"]).applied(assembly)
    assert Month(without, Load(), prices()).hours(without.ingester()) == 730
    spared = priced(assembly, "session_clock=off").total - priced(assembly).total
    assert spared > (730 - INGESTER_HOURS) * (0.03238 + 2 * 0.003556 + 0.005)  # the task itself, and what it keeps busy


def test_settings_that_a_what_if_may_change_are_settings_and_no_two_things_have_one_name() -> None:
    assert set(SETTINGS) <= {field.name for field in fields(Settings)}
    assert not {field.name for field in fields(Settings)} & (EDITS.keys() | set(FIELDS)) - {"symbols"}


@pytest.mark.parametrize("change", ["interface_endpoints=1", "tracing=off", "detailed_metrics=on"])
def test_each_change_of_the_templates_moves_the_bill_by_what_it_is(change: str, held: dict[str, Assembly]) -> None:
    before, after = priced(held["lean"]), priced(held["lean"], change)
    expected = {
        "interface_endpoints=1": 2 * 7.30,
        "tracing=off": -dollars(before, service="X-Ray"),
        "detailed_metrics=on": 24 * 5 * 0.30 * OPEN_HOURS / 730,
    }[change]
    assert after.total - before.total == pytest.approx(expected)
