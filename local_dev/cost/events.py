"""What tells and starts others: topics, queues, schedules, state machines."""

from local_dev.cost.assembly import Resource, text_of
from local_dev.cost.callers import nights
from local_dev.cost.clock import a_year
from local_dev.cost.hours import MONTHS, SCHEDULE, planned, planners
from local_dev.cost.line import MILLION, Lines, Month

STATE = '"Next":'
"""Stands once in a definition for each transition, but for those to an end."""


def topic(resource: Resource, month: Month) -> Lines:
    """Who subscribes pays nothing more for functions; e-mail and text messages are not in it."""
    told = float(month.load.events_a_month)
    if resource.id.startswith("SignalTopic"):
        told = month.sessions * (month.load.signals_a_day + month.load.alerts_a_day)
    yield month.line(resource, "SNS", "messages", told / MILLION, "sns_requests")


def queue(resource: Resource, month: Month) -> Lines:
    """Dead letters: a handful a month at most."""
    yield month.line(resource, "SQS", "messages", 10 / MILLION, "sqs_requests")


def schedule(resource: Resource, month: Month) -> Lines:
    struck = a_year(resource.properties, month.load.year) / MONTHS
    yield month.line(resource, "EventBridge", "calls by the clock", struck / MILLION, "scheduler_calls")


def group(resource: Resource, month: Month) -> Lines:
    """What a planner puts into it in the course of a year."""
    found = [p for p in planners(month.assembly) if p.mentions(resource)]
    made = sum(len(list(planned(month.assembly, planner, month.load.year))) for planner in found) / MONTHS
    yield month.line(resource, "EventBridge", "calls by the clock", made / MILLION, "scheduler_calls")


def machine(resource: Resource, month: Month) -> Lines:
    """Each run goes through every state. Raises ValueError for an express machine."""
    if resource.properties.get("StateMachineType", "STANDARD") != "STANDARD":
        raise ValueError(f"no price known for the express machine {resource.stack} {resource.id}")
    steps = text_of(resource.properties["DefinitionString"]).count(STATE)
    transitions = nights(month, resource) * steps / MILLION
    yield month.line(resource, "Step Functions", "state transitions", transitions, "state_transitions")


PRICED = {
    "AWS::SNS::Topic": topic,
    "AWS::SQS::Queue": queue,
    SCHEDULE: schedule,
    "AWS::Scheduler::ScheduleGroup": group,
    "AWS::StepFunctions::StateMachine": machine,
}
