"""How often each function is called, and for how long, by whatever the templates say calls it."""

import json
from typing import NamedTuple

from local_dev.cost.assembly import Resource, number, references, text_of
from local_dev.cost.clock import a_year
from local_dev.cost.hours import MONTHS, SCHEDULE
from local_dev.cost.line import HOURS, Month
from local_dev.cost.traffic import MAPPING, calls

METHOD, AUTHORIZER, STAGE = "AWS::ApiGateway::Method", "AWS::ApiGateway::Authorizer", "AWS::ApiGateway::Stage"
MACHINE, STREAM, TABLE = "AWS::StepFunctions::StateMachine", "AWS::Kinesis::Stream", "AWS::DynamoDB::Table"
RULE = "AWS::Events::Rule"
CUSTOM = "Custom::"


class Called(NamedTuple):
    """In `seconds` of a month: calls a second, the milliseconds they take a second, and whether whoever calls has
    begun their trace already."""

    seconds: float
    a_second: float
    ms_a_second: float
    traced: bool = False


class NobodyCallsError(ValueError):
    """A function whose caller is not in the templates: its bill cannot be told."""


def called(month: Month, function: Resource) -> list[Called]:
    """Raises NobodyCallsError."""
    found = [
        *_by_streams(month, function),
        *_by_the_api(month, function),
        *_by_clocks(month, function),
        *_by_events(month, function),
        *_by_the_night(month, function),
        *_by_deployments(month, function),
    ]
    if not found:
        raise NobodyCallsError(
            f"nothing in the templates calls {function.stack} {function.id}: how often is it called?"
        )
    return found


def nights(month: Month, machine: Resource) -> float:
    """Runs of a state machine that find a session to settle: one of each clock for a session."""
    return month.sessions * len(list(month.assembly.callers_of(machine, SCHEDULE, RULE)))


def _by_streams(month: Month, function: Resource) -> list[Called]:
    load, found = month.load, []
    for mapping in month.assembly.callers_of(function, MAPPING):
        for stream in month.assembly.called_by(mapping, STREAM):
            each = load.us_a_trade if stream.id.startswith("Trades") else load.us_a_bar
            found += [
                Called(c.seconds, c.a_second, c.a_second * load.call_ms + c.items * each / 1000)
                for c in calls(month, mapping, stream)
            ]
        for table in month.assembly.called_by(mapping, TABLE):
            a_day = load.alerts_a_day if table.id.startswith("Alerts") else load.signals_a_day
            a_second = month.sessions * a_day / month.open_s
            found.append(Called(month.open_s, a_second, a_second * load.call_ms))
    return found


def _by_the_api(month: Month, function: Resource) -> list[Called]:
    """Requests are spread evenly over its methods."""
    load, methods = month.load, list(month.assembly.of(METHOD))
    mine = [method for method in methods if method.mentions(function)]
    traced = any(stage.properties.get("TracingEnabled") for stage in month.assembly.of(STAGE))
    a_second = month.asked / month.open_s
    found = []
    if mine:
        share = a_second * len(mine) / len(methods)
        found.append(Called(month.open_s, share, share * load.api_ms, traced))
    for authorizer in month.assembly.callers_of(function, AUTHORIZER):
        kept = number(authorizer.properties.get("AuthorizerResultTtlInSeconds"), 300)
        asked = sum(method.mentions(authorizer) for method in methods) / len(methods) * a_second
        checks = min(asked, load.api_keys / kept) if kept else asked
        found.append(Called(month.open_s, checks, checks * load.call_ms, traced))
    return found


def _by_clocks(month: Month, function: Resource) -> list[Called]:
    seconds = HOURS * 3600
    rates = [
        a_year(schedule.properties, month.load.year) / MONTHS / seconds
        for schedule in month.assembly.callers_of(function, SCHEDULE, RULE)
        if "ScheduleExpression" in schedule.properties
    ]
    return [Called(seconds, rate, rate * month.load.call_ms) for rate in rates]


def _by_events(month: Month, function: Resource) -> list[Called]:
    """Seldom, so that how often matters little."""
    sources = [
        source
        for source in month.assembly.callers_of(function, RULE, "AWS::SNS::Subscription", "AWS::CloudWatch::Alarm")
        if "ScheduleExpression" not in source.properties
    ]
    seconds, rate = HOURS * 3600, month.load.events_a_month / (HOURS * 3600)
    return [Called(seconds, rate, rate * month.load.call_ms) for _ in sources]


def _by_the_night(month: Month, function: Resource) -> list[Called]:
    """As many calls as the machine's definition has steps of this function."""
    found = []
    for machine in month.assembly.callers_of(function, MACHINE):
        substitutions = machine.properties.get("DefinitionSubstitutions", {})
        near = machine.stack == function.stack
        names = [name for name, value in substitutions.items() if references(value).hold(function, near=near)]
        text = text_of(machine.properties["DefinitionString"])
        steps = sum(text.count(json.dumps(f"${{{name}}}")) for name in names)
        seconds = month.open_s
        rate = nights(month, machine) * steps / seconds
        found.append(Called(seconds, rate, rate * month.load.night_step_s * 1000, traced=True))
    return found


def _by_deployments(month: Month, function: Resource) -> list[Called]:
    """Of a custom resource, or of a function that only such a one calls."""
    customs = [
        r for r in month.assembly.resources if r.type.startswith((CUSTOM, "AWS::CloudFormation::CustomResource"))
    ]
    direct = [custom for custom in customs if custom.mentions(function)]
    callers = [
        f for f in month.assembly.callers_of(function, "AWS::Lambda::Function") if any(c.mentions(f) for c in customs)
    ]
    if not direct and not callers:
        return []
    rate = month.load.deployments / month.open_s
    return [Called(month.open_s, rate, rate * month.load.night_step_s * 1000)]
