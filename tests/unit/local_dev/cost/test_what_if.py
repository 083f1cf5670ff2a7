"""What a change does to the templates, the load and the settings, and which are refused."""

import pytest

from local_dev.cost.hours import hours_a_month, running
from local_dev.cost.load import FIELDS, Load
from local_dev.cost.what_if import EDITS, SETTINGS, WrongChangeError, changes
from tests.unit.local_dev.cost.templates import assembly, clock, schedule

FLINK = {
    "Application": {"Type": "AWS::KinesisAnalyticsV2::Application", "Properties": {"Name": "bars"}},
    "Start": schedule("30 3 ? * MON-FRI *", "kinesisanalyticsv2:startApplication", {"Ref": "Application"}),
}


def test_a_name_is_of_one_kind_only() -> None:
    assert len({*EDITS, *SETTINGS, *FIELDS}) == len(EDITS) + len(SETTINGS) + len(FIELDS)


def test_loads_settings_and_edits_go_their_ways() -> None:
    found = changes(Load(), ["symbols=600", "shards=6", "nat_gateways=2", "tracing=off"])
    assert found.load == Load(symbols=600)
    assert found.settings == {"shards": "6"}
    assert found.edits == {"nat_gateways": 2, "tracing": 0}


@pytest.mark.parametrize(
    "text", ["nat_gateways", "nat=1", "nat_gateways=some", "nat_gateways=1000", "symbols", "year=now", "shards"]
)
def test_what_is_no_change_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        changes(Load(), [text])


def test_a_nat_gateway_comes_with_its_address() -> None:
    held = changes(Load(), ["nat_gateways=2"]).applied(assembly(network={}))
    kinds = [resource.type for resource in held.resources if resource.stack == "network"]
    assert sorted(kinds) == ["AWS::EC2::EIP", "AWS::EC2::EIP", "AWS::EC2::NatGateway", "AWS::EC2::NatGateway"]


def test_a_second_application_has_a_clock_of_its_own() -> None:
    held = changes(Load(), ["flink_applications=2"]).applied(assembly(flink=FLINK))
    first, second = held.of("AWS::KinesisAnalyticsV2::Application")
    assert [s.id for s in held.callers_of(first, "AWS::Scheduler::Schedule")] == ["Start"]
    assert [s.id for s in held.callers_of(second, "AWS::Scheduler::Schedule")] == ["Start2"]


def test_there_is_no_second_application_without_a_first() -> None:
    with pytest.raises(WrongChangeError, match="no Flink application"):
        changes(Load(), ["flink_applications=2"]).applied(assembly())


def test_changes_leave_the_templates_they_were_made_from_alone() -> None:
    stage = {
        "Type": "AWS::ApiGateway::Stage",
        "Properties": {"TracingEnabled": True, "MethodSettings": [{"MetricsEnabled": True}]},
    }
    before = assembly(serving={"Stage": stage})
    after = changes(Load(), ["tracing=off", "detailed_metrics=off"]).applied(before)
    assert stage["Properties"] == {"TracingEnabled": True, "MethodSettings": [{"MetricsEnabled": True}]}
    (changed,) = after.of("AWS::ApiGateway::Stage")
    assert changed.properties == {"TracingEnabled": False, "MethodSettings": [{"MetricsEnabled": False}]}


def test_a_second_application_is_planned_like_the_first() -> None:
    held = changes(Load(), ["flink_applications=3"]).applied(
        assembly(flink={"Application": FLINK["Application"]}, clock=clock())
    )
    first, *others = (running(held, one, 2026) for one in held.of("AWS::KinesisAnalyticsV2::Application"))
    assert len(first) == 251
    assert others == [first, first]


def test_without_the_session_clock_everything_runs_always() -> None:
    before = assembly(clock=clock(flink=False))
    after = changes(Load(), ["session_clock=off"]).applied(before)
    assert hours_a_month(running(after, after.ingester(), 2026)) == 730
    assert hours_a_month(running(before, before.ingester(), 2026)) < 360
