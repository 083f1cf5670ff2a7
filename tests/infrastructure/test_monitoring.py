"""Who looks and who is told: built alarms are those of the table, their metrics are there, nobody else may publish."""

import json
import re
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import aws_cdk
import pytest

from shared.metrics import DIMENSION, METRICS
from stacks.alarms import ALARMS, GRAPHS, OURS, Alarm, Source, deployed
from stacks.settings import Settings
from tests.infrastructure.templates import Templates

ALARM, DASHBOARD = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard"
NAMESPACE = "condvest-dev"
ALARM_USD, METRIC_USD, DASHBOARD_USD = 0.10, 0.30, 3.00
"""A month, us-east-1: each metric that an alarm looks at; each of our own; each dashboard."""
MONITORING_USD = 25.0
"""What alarms, metrics and dashboards may cost a month: well under the 35 that the bill was promised with."""
NOT_IN_THE_CDK = {
    ("AWS/KinesisAnalytics", "numLateRecordsDropped"),
    ("AWS/KinesisAnalytics", "millisBehindLatest"),
    ("AWS/KinesisAnalytics", "numberOfFailedCheckpoints"),
    ("AWS/ElastiCache", "ThrottledCmds"),
    ("AWS/RDS", "ACUUtilization"),
    ("AWS/Billing", "EstimatedCharges"),
}
"""Named by the services' own documentation only."""


@pytest.fixture(scope="module")
def full(assemblies: Path) -> Templates:
    return Templates.of(assemblies / "full")


@pytest.fixture(params=["with_push", "full"])
def built(request: pytest.FixtureRequest, assemblies: Path) -> tuple[dict[str, Mapping[str, Any]], tuple[Alarm, ...]]:
    """Properties of the built alarms by the name in the table, and the table of that deployment."""
    templates = Templates.of(assemblies / request.param)
    found = {one.properties["AlarmName"]: one.properties for one in templates.resources(ALARM)}
    is_full = request.param == "full"
    return found, deployed(full=is_full, push=not is_full, us_east_1=True)


def test_the_alarms_are_those_of_the_table(
    built: tuple[dict[str, Mapping[str, Any]], tuple[Alarm, ...]],
) -> None:
    found, table = built
    assert set(found) == {f"{NAMESPACE}-{alarm.name}" for alarm in table}
    for alarm in table:
        made = found[f"{NAMESPACE}-{alarm.name}"]
        assert made["ComparisonOperator"] == alarm.comparison
        assert made["Threshold"] == (Settings().budget_usd if alarm.threshold == "{budget}" else alarm.threshold)
        assert (made["EvaluationPeriods"], made["DatapointsToAlarm"]) == (alarm.periods, alarm.points)
        assert made["TreatMissingData"] == alarm.missing
        assert made["AlarmDescription"] == f"{alarm.why} docs/runbooks.md#{alarm.name}"
        assert made["AlarmActions"] == made["OKActions"] != []
        if alarm.when == "always":
            assert (made["Statistic"] if "Statistic" in made else made["ExtendedStatistic"]) == alarm.statistic
            assert (made["Namespace"], made["MetricName"], made["Period"]) == (
                _namespace(alarm.source),
                alarm.source.name,
                alarm.period_s,
            )
            assert {one["Name"] for one in made["Dimensions"]} == set(alarm.source.dimensions)
        else:
            used = {one["Id"]: one for one in made["Metrics"]}
            (expression,) = [one for one in used.values() if "Expression" in one]
            assert expression["Expression"] == alarm.expression
            looked_at = {"m": (alarm.source, alarm.statistic)}
            looked_at |= {"g": (alarm.gate, "Maximum")} if alarm.gate else {}
            assert used.keys() - {expression["Id"]} == looked_at.keys()
            for name, (source, statistic) in looked_at.items():
                stat = used[name]["MetricStat"]
                assert (stat["Stat"], stat["Period"]) == (statistic, alarm.period_s)
                assert (stat["Metric"]["Namespace"], stat["Metric"]["MetricName"]) == (_namespace(source), source.name)


def test_every_name_in_the_table_is_of_a_resource_that_is_there(templates: Templates, full: Templates) -> None:
    """A function's, a stream's, ...: what an alarm looks at is what was deployed."""
    made = {
        one.properties["AlarmName"]: one.properties for one in [*templates.resources(ALARM), *full.resources(ALARM)]
    }
    named: dict[str, str] = {}
    for alarm in ALARMS:
        for one in _dimensions(made[f"{NAMESPACE}-{alarm.name}"]):
            if alarm.source.dimensions.get(one["Name"], "").startswith("{"):
                named[alarm.name] = json.dumps(one["Value"])
    assert named.pop("archive-behind").count("ArchiveFunction") == 1
    assert named.pop("announce-behind").count("AnnounceFunction") == 1
    assert named.pop("stream-throttled").count("Trades") == 1
    assert named.pop("night-failed").count("NightlyMachine") == 1
    assert named.pop("night-not-started").count("NightlyMissed") == 1
    assert (
        json.loads(named.pop("cache-full"))
        == templates.one("AWS::ElastiCache::ServerlessCache").properties["ServerlessCacheName"]
    )
    assert (
        json.loads(named["flink-behind"])
        == full.one("AWS::KinesisAnalyticsV2::Application").properties["ApplicationName"]
    )
    api = {one["Name"]: one["Value"] for one in _dimensions(made[f"{NAMESPACE}-api-errors"])}
    assert api == {
        "ApiName": templates.one("AWS::ApiGateway::RestApi").properties["Name"],
        "Stage": templates.one("AWS::ApiGateway::Stage").properties["StageName"],
    }
    assert json.loads(named.pop("database-busy")) == {"Fn::ImportValue": "condvest-dev-database-Identifier"}
    output = templates.bodies["Database"]["Outputs"]["Identifier"]
    assert output["Value"] == {"Ref": templates.one("AWS::RDS::DBCluster").id}


@lru_cache(maxsize=1)
def published() -> frozenset[tuple[str, str]]:
    """(namespace, metric) of the services' metrics as the CDK carries them."""
    (package,) = (Path(aws_cdk.__file__).parent / "_jsii").glob("aws-cdk-lib@*.tgz")
    found: set[tuple[str, str]] = set()
    with tarfile.open(package) as files:
        for member in files:
            if member.name.endswith("canned-metrics.generated.js") and (file := files.extractfile(member)):
                found.update(re.findall(r'namespace:"([^"]+)",metricName:"([^"]+)"', file.read().decode()))
    return frozenset(found)


def test_metrics_of_aws_are_named_as_aws_names_them() -> None:
    sources = [alarm.source for alarm in ALARMS] + [source for graphs in GRAPHS.values() for _, source, _ in graphs]
    theirs = {(source.namespace, source.name) for source in sources if source.namespace != OURS}
    assert len(published()) > 500
    assert theirs - published() == NOT_IN_THE_CDK


def test_metrics_of_ours_are_measured_and_looked_at() -> None:
    """Each is of the table of shared/metrics.py with its one dimension; none is paid for and looked at by nobody."""
    gates = [alarm.gate for alarm in ALARMS if alarm.gate]
    sources = [*(alarm.source for alarm in ALARMS), *gates, *(s for graphs in GRAPHS.values() for _, s, _ in graphs)]
    looked_at = {(one.name, one.dimensions[DIMENSION]) for one in sources if one.namespace == OURS}
    assert looked_at == {(metric.name, metric.layer) for metric in METRICS}


def test_each_layer_has_a_dashboard_that_shows_its_alarms(templates: Templates) -> None:
    boards = {one.properties["DashboardName"]: json.dumps(one.properties) for one in templates.resources(DASHBOARD)}
    assert set(boards) == {f"condvest-dev-monitoring-{layer}" for layer in ("speed", "batch", "serving")}
    for alarm in deployed(full=False, push=True, us_east_1=True):
        assert boards[f"condvest-dev-monitoring-{alarm.layer}"].count(f'\\"title\\":\\"{alarm.name}\\"') == 1
    for layer, graphs in GRAPHS.items():
        assert all(f'\\"title\\":\\"{name}\\"' in boards[f"condvest-dev-monitoring-{layer}"] for name, _, _ in graphs)


def test_what_watching_costs_is_bounded(full: Templates) -> None:
    """An alarm is paid for each metric that it looks at."""
    alarms = [one.properties for one in full.resources(ALARM)]
    looked_at = sum(sum("MetricStat" in m for m in one["Metrics"]) if "Metrics" in one else 1 for one in alarms)
    usd = looked_at * ALARM_USD + len(METRICS) * METRIC_USD + len(full.resources(DASHBOARD)) * DASHBOARD_USD
    assert len(METRICS) <= 15
    assert usd <= MONITORING_USD, f"{looked_at} metrics of {len(alarms)} alarms, {len(METRICS)} of our own: ${usd:.2f}"
    assert not full.resources("AWS::CloudWatch::CompositeAlarm"), "five times the price"


def test_alarms_and_budget_can_publish_and_nobody_else(templates: Templates) -> None:
    topic = next(t for t in templates.resources("AWS::SNS::Topic") if t.stack == "Monitoring")
    (policy,) = [p for p in templates.resources("AWS::SNS::TopicPolicy") if p.stack == "Monitoring"]
    allowed = [s for s in policy.properties["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert _services(allowed) == {"cloudwatch.amazonaws.com", "budgets.amazonaws.com"}
    own = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert all(s["Condition"] == own and s["Action"] == "sns:Publish" for s in allowed)
    key = templates.one("AWS::KMS::Key").properties
    assert key["EnableKeyRotation"] is True
    assert topic.properties["KmsMasterKeyId"] == {"Fn::GetAtt": [templates.one("AWS::KMS::Key").id, "Arn"]}
    users = [s for s in key["KeyPolicy"]["Statement"] if "Service" in s["Principal"]]
    assert _services(users) == _services(allowed)
    assert {action for s in users for action in s["Action"]} == {"kms:Decrypt", "kms:GenerateDataKey*"}


def test_the_address_of_the_settings_is_subscribed(templates: Templates, without_push: Templates) -> None:
    (subscription,) = templates.resources("AWS::SNS::Subscription")
    assert (subscription.properties["Protocol"], subscription.properties["Endpoint"]) == ("email", "ops@example.com")
    assert without_push.resources("AWS::SNS::Subscription") == []
    assert "AlarmTopicArn" in without_push.bodies["Monitoring"]["Outputs"]


def test_the_budget_tells_before_and_when_it_is_spent(templates: Templates) -> None:
    budget = templates.one("AWS::Budgets::Budget").properties
    assert budget["Budget"]["BudgetLimit"] == {"Amount": Settings().budget_usd, "Unit": "USD"}
    assert (budget["Budget"]["BudgetType"], budget["Budget"]["TimeUnit"]) == ("COST", "MONTHLY")
    told = [(n["Notification"]["NotificationType"], n["Notification"]["Threshold"]) for n in _told(budget)]
    assert told == [("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)]
    assert {s["SubscriptionType"] for n in _told(budget) for s in n["Subscribers"]} == {"SNS"}


def test_somebody_looks_every_minute_and_is_not_called_twice(templates: Templates) -> None:
    (schedule,) = [s for s in templates.resources("AWS::Scheduler::Schedule") if s.stack == "Monitoring"]
    assert schedule.properties["ScheduleExpression"] == "rate(1 minute)"
    assert schedule.properties["Target"]["RetryPolicy"]["MaximumRetryAttempts"] == 0, "the next minute looks again"
    watch = templates.one("AWS::Lambda::Function", "Watch")
    assert schedule.properties["Target"]["Arn"] == {"Fn::GetAtt": [watch.id, "Arn"]}
    assert "VpcConfig" not in watch.properties


def test_nothing_is_looked_at_twice() -> None:
    seen = Counter((a.source.namespace, a.source.name, *sorted(a.source.dimensions.items())) for a in ALARMS)
    twice = [source for source, count in seen.items() if count > 1]
    assert twice == []


def _dimensions(made: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Of the metric that an alarm is about."""
    if "Dimensions" in made:
        yield from made["Dimensions"]
    else:
        (metric,) = [one["MetricStat"]["Metric"] for one in made["Metrics"] if one["Id"] == "m"]
        yield from metric["Dimensions"]


def _services(statements: list[Mapping[str, Any]]) -> set[str]:
    found = [statement["Principal"]["Service"] for statement in statements]
    return {service for one in found for service in ([one] if isinstance(one, str) else one)}


def _told(budget: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(budget["NotificationsWithSubscribers"])


def _namespace(source: Source) -> str:
    return NAMESPACE if source.namespace == OURS else source.namespace


def _minutes(clock: time) -> int:
    return clock.hour * 60 + clock.minute
