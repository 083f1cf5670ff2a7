"""CloudWatch: logs by what is written and how long it is kept, metrics, alarms, dashboards."""

from collections.abc import Iterator
from typing import Any

from local_dev.cost.assembly import Resource, number, text_of
from local_dev.cost.callers import MACHINE, called, nights
from local_dev.cost.line import DAYS, GB, Lines, Month

SERVICE = "CloudWatch"
FOREVER_DAYS = 3_650
"""What a group without a retention is taken for."""
STEP_BYTES = 8_000
"""Of a state machine's run for each of its states, level ALL."""
HIGH_RESOLUTION_S = 60
ALARM = "AWS::CloudWatch::Alarm"


def log_group(resource: Resource, month: Month) -> Lines:
    """Of functions, by their calls; of long-running processes and Flink, by the hour; of the API's access log what
    is kept, since its stage says what is written."""
    functions = sum(
        c.seconds * c.a_second
        for function in month.assembly.callers_of(resource, "AWS::Lambda::Function")
        for c in called(month, function)
    )
    steps = sum(
        nights(month, machine) * text_of(machine.properties["DefinitionString"]).count('"Type":')
        for machine in month.assembly.callers_of(resource, MACHINE)
    )
    written = (
        functions * month.load.log_bytes_a_call
        + steps * STEP_BYTES
        + _hours(resource, month) * month.load.log_mb_an_hour * 1e6
    ) / GB
    if written:
        yield month.line(resource, SERVICE, "logs written", written, "log_in")
    if any(month.assembly.callers_of(resource, "AWS::ApiGateway::Stage")):
        written = month.asked * month.load.log_bytes_a_request / GB
    days = number(resource.properties.get("RetentionInDays"), FOREVER_DAYS)
    yield month.line(resource, SERVICE, "logs kept", written * days / DAYS, "log_stored")


def _hours(group: Resource, month: Month) -> float:
    """Of the processes that write to a group."""
    tasks = list(month.assembly.callers_of(group, "AWS::ECS::TaskDefinition"))
    services = [s for task in tasks for s in month.assembly.callers_of(task, "AWS::ECS::Service")]
    options = month.assembly.callers_of(group, "AWS::KinesisAnalyticsV2::ApplicationCloudWatchLoggingOption")
    flinks = [f for o in options for f in month.assembly.called_by(o, "AWS::KinesisAnalyticsV2::Application")]
    return sum(month.hours(process) for process in (*services, *flinks))


def alarm(resource: Resource, month: Month) -> Lines:
    """By the metrics it looks at; one whose period is under a minute costs three times as much."""
    looked_at = list(_metrics(resource))
    fine = any(number(period, 300) < HIGH_RESOLUTION_S for _, period in looked_at)
    yield month.line(resource, SERVICE, "alarms", max(1, len(looked_at)), "alarm_high_resolution" if fine else "alarm")


def own_metrics(month: Month) -> float:
    """That the code sends: as the load says, or those that alarms name where they are more."""
    named = {name for alarm in month.assembly.of(ALARM) for name, _ in _metrics(alarm) if not name.startswith("AWS/")}
    return max(month.load.custom_metrics, len(named))


def _metrics(resource: Resource) -> Iterator[tuple[str, Any]]:
    """Namespace and name with dimensions, and the period, of each metric of an alarm."""
    properties = resource.properties
    stats = [query["MetricStat"] for query in properties.get("Metrics", []) if "MetricStat" in query]
    if "MetricName" in properties:
        stats = [{"Metric": properties, "Period": properties.get("Period")}]
    for stat in stats:
        metric = stat["Metric"]
        name = f"{text_of(metric.get('Namespace', ''))} {text_of(metric['MetricName'])} {metric.get('Dimensions', [])}"
        yield name, stat.get("Period")


def composite(resource: Resource, month: Month) -> Lines:
    yield month.line(resource, SERVICE, "composite alarms", 1, "composite_alarm")


def dashboard(resource: Resource, month: Month) -> Lines:
    yield month.line(resource, SERVICE, "dashboards", 1, "dashboard")


def metric_filter(resource: Resource, month: Month) -> Lines:
    made = len(resource.properties.get("MetricTransformations", []))
    yield month.line(resource, SERVICE, "metrics made of logs", made, "metric")


PRICED = {
    "AWS::Logs::LogGroup": log_group,
    ALARM: alarm,
    "AWS::CloudWatch::CompositeAlarm": composite,
    "AWS::CloudWatch::Dashboard": dashboard,
    "AWS::Logs::MetricFilter": metric_filter,
}
