"""How often functions are called, reckoned by hand: by the API, its authoriser, the night and a deployment."""

import json
from typing import Any

import pytest

from local_dev.cost.bill import bill_of
from local_dev.cost.load import Load
from local_dev.cost.prices import prices
from tests.unit.local_dev.cost.templates import assembly

FUNCTION = {"Type": "AWS::Lambda::Function", "Properties": {"TracingConfig": {"Mode": "Active"}}}
SESSIONS = 251 / 12


def quantities(counted: str, **stacks: dict[str, Any]) -> dict[str, float]:
    """By resource, of the lines that count one thing."""
    lines = bill_of(assembly(**stacks), Load(), prices()).lines
    return {line.resource: line.quantity for line in lines if line.counted == counted}


def method(function: str, **more: Any) -> dict[str, Any]:
    uri = {"Fn::Join": ["", ["arn:", {"Fn::GetAtt": [function, "Arn"]}, "/invocations"]]}
    return {"Type": "AWS::ApiGateway::Method", "Properties": {"Integration": {"Uri": uri}, **more}}


def api(*, kept_s: int, traced: bool = True) -> dict[str, Any]:
    """Three methods of four need a key; one of four is another function's."""
    checked = {"AuthorizerId": {"Ref": "Authorizer"}}
    authorizer = {"AuthorizerUri": {"Fn::GetAtt": ["Auth", "Arn"]}, "AuthorizerResultTtlInSeconds": kept_s}
    return {
        "Stage": {"Type": "AWS::ApiGateway::Stage", "Properties": {"TracingEnabled": traced}},
        "Authorizer": {"Type": "AWS::ApiGateway::Authorizer", "Properties": authorizer},
        **dict.fromkeys(("Api", "Auth", "Alerts"), FUNCTION),
        "Health": method("Api"),
        "Bars": method("Api", **checked),
        "Trades": method("Api", **checked),
        "Rules": method("Alerts", **checked),
    }


def test_requests_are_spread_over_the_methods_and_keys_are_checked_for_those_that_need_one() -> None:
    assert quantities("calls", serving=api(kept_s=0)) == {
        "Api": pytest.approx(0.75), "Alerts": pytest.approx(0.25), "Auth": pytest.approx(0.75),
    }  # fmt: skip


def test_an_answer_that_is_kept_spares_checks() -> None:
    """Ten keys, each asked for once a minute while the market is open."""
    open_s = (251 * 16 - 2 * 3) / 12 * 3600
    assert quantities("calls", serving=api(kept_s=60))["Auth"] == pytest.approx(10 * open_s / 60 / 1e6)


def test_what_a_traced_stage_has_begun_is_not_traced_again() -> None:
    assert set(quantities("traces of functions", serving=api(kept_s=0)).values()) == {0}
    assert quantities("traces of the API", serving=api(kept_s=0)) == {"Stage": pytest.approx(1)}
    alone = quantities("traces of functions", serving=api(kept_s=0, traced=False))
    assert alone == {"Api": pytest.approx(0.75), "Alerts": pytest.approx(0.25), "Auth": pytest.approx(0.75)}


def night() -> dict[str, Any]:
    def clock(days: str) -> dict[str, Any]:
        properties = {"ScheduleExpression": f"cron(15 20 ? * {days} *)", "Target": {"Arn": {"Ref": "Machine"}}}
        return {"Type": "AWS::Scheduler::Schedule", "Properties": properties}

    states = {name: {"Type": "Task", "Resource": "${Fetch}", "Next": "End"} for name in ("Session", "Fetch", "Settle")}
    machine = {
        "DefinitionString": json.dumps({"States": states}),
        "DefinitionSubstitutions": {"Fetch": {"Fn::If": ["OnAws", {"Fn::GetAtt": ["Fetch", "Arn"]}, "nothing"]}},
    }
    return {
        "Fetch": FUNCTION,
        "Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": machine},
        "Evening": clock("MON-FRI"),
        "Morning": clock("TUE-SAT"),
    }


def test_a_night_is_run_by_each_of_its_clocks_for_each_session() -> None:
    assert quantities("calls", batch=night()) == {"Fetch": pytest.approx(SESSIONS * 2 * 3 / 1e6)}
    assert quantities("state transitions", batch=night()) == {"Machine": pytest.approx(SESSIONS * 2 * 3 / 1e6)}


def test_a_custom_resource_calls_its_function_at_each_deployment_and_that_one_another() -> None:
    other = {**FUNCTION, "Properties": {"Environment": {"Variables": {"MIGRATE": {"Ref": "Migrate"}}}}}
    made = {"Type": "Custom::DatabaseSchema", "Properties": {"ServiceToken": {"Fn::GetAtt": ["Bootstrap", "Arn"]}}}
    found = quantities("calls", batch={"Bootstrap": other, "Migrate": FUNCTION, "Schema": made})
    assert found == {"Bootstrap": pytest.approx(4 / 1e6), "Migrate": pytest.approx(4 / 1e6)}


def test_names_of_imports_lead_to_resources_of_other_stacks_and_equal_ids_do_not() -> None:
    name = "condvest-dev-serving:ExportsOutputFnGetAttApi685AAB5BArnEB36C1EC"
    clock = {"ScheduleExpression": "rate(1 hour)", "Target": {"Arn": {"Fn::ImportValue": name}}}
    same = {"ScheduleExpression": "rate(1 minute)", "Target": {"Arn": {"Ref": "Api685AAB5B"}}}
    held = {
        "Hourly": {"Type": "AWS::Scheduler::Schedule", "Properties": clock},
        "Other": {"Type": "AWS::Scheduler::Schedule", "Properties": same},
    }
    found = quantities("calls", serving={"Api685AAB5B": FUNCTION}, batch=held)
    assert found == {"Api685AAB5B": pytest.approx(8760 / 12 / 1e6)}
