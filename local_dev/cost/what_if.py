"""`NAME=VALUE`: another load, another setting of the stacks, or something put into the templates or taken out."""

import copy
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local_dev.cost.assembly import Assembly
from local_dev.cost.flink import APPLICATION
from local_dev.cost.hours import SCHEDULE, VARIABLES, planners
from local_dev.cost.load import FIELDS, Load
from speed_layer.planner.plan import Process

SETTINGS = ("shards", "lanes_per_shard", "log_retention_days", "database_units")
"""Of stacks/settings.py, those that change the bill; the templates are synthesised with them."""
_Bodies = dict[str, Any]


class WrongChangeError(ValueError):
    """A change that cannot be made; the message says which there are, or what is missing."""


def _nat_gateways(assembly: Assembly, count: int) -> _Bodies:
    added: _Bodies = {}
    for number in range(1, count + 1):
        added[f"NatAddress{number}"] = {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}}
        added[f"Nat{number}"] = {
            "Type": "AWS::EC2::NatGateway",
            "Properties": {"AllocationId": {"Fn::GetAtt": [f"NatAddress{number}", "AllocationId"]}},
        }
    return _added(assembly, "network", added)


def _interface_endpoints(assembly: Assembly, count: int) -> _Bodies:
    """Each in as many zones as the isolated subnets have."""
    subnets = [{"Ref": s.id} for s in assembly.of("AWS::EC2::Subnet") if "isolated" in s.id.lower()]
    body = {"Type": "AWS::EC2::VPCEndpoint", "Properties": {"VpcEndpointType": "Interface", "SubnetIds": subnets}}
    return _added(assembly, "network", {f"Endpoint{number}": body for number in range(1, count + 1)})


def _flink_applications(assembly: Assembly, count: int) -> _Bodies:
    """So many altogether, each with the clock of the first."""
    first = next(assembly.of(APPLICATION), None)
    if first is None:
        raise WrongChangeError("flink_applications: this profile has no Flink application to copy; try --profile full")
    bodies = assembly.bodies[first.stack]["Resources"]
    copied = [first, *assembly.callers_of(first, SCHEDULE)]
    added = {}
    for number in range(2, count + 1):
        for resource in copied:
            text = json.dumps(bodies[resource.id])
            added[f"{resource.id}{number}"] = json.loads(text.replace(f'"{first.id}"', f'"{first.id}{number}"'))
    return _planned_too(Assembly(_added(assembly, first.stack, added)), first.id, range(2, count + 1))


def _planned_too(assembly: Assembly, first: str, numbers: Iterable[int]) -> _Bodies:
    """Whoever plans the first application plans its copies with it."""
    variable = VARIABLES[Process.FLINK]
    bodies = assembly.bodies
    for planner in planners(assembly):
        held = copy.deepcopy(bodies[planner.stack]["Resources"][planner.id])
        variables = held["Properties"]["Environment"]["Variables"]
        if variable in variables:
            text = json.dumps(variables[variable])
            names = [text, *(text.replace(f"Ref{first}", f"Ref{first}{n}") for n in numbers)]
            variables[variable] = {"Fn::Join": [",", [json.loads(name) for name in names]]}
            bodies = _added(Assembly(bodies), planner.stack, {planner.id: held})
    return dict(bodies)


def _session_clock(assembly: Assembly, on: int) -> _Bodies:
    """Without one no planner's schedules are there, and what it would start and stop runs always."""
    bodies: _Bodies = copy.deepcopy(dict(assembly.bodies))
    for planner in planners(assembly):
        for schedule in assembly.callers_of(planner, SCHEDULE):
            bodies[schedule.stack]["Resources"][schedule.id]["Properties"]["State"] = "ENABLED" if on else "DISABLED"
    return bodies


def _tracing(assembly: Assembly, on: int) -> _Bodies:
    def change(body: _Bodies) -> None:
        properties = body.get("Properties", {})
        if not on and body["Type"] == "AWS::Lambda::Function":
            properties.pop("TracingConfig", None)
        elif not on and body["Type"] == "AWS::ApiGateway::Stage":
            properties["TracingEnabled"] = False

    return _each(assembly, change)


def _detailed_metrics(assembly: Assembly, on: int) -> _Bodies:
    def change(body: _Bodies) -> None:
        for setting in body.get("Properties", {}).get("MethodSettings", ()):
            setting["MetricsEnabled"] = bool(on)

    return _each(assembly, change)


EDITS: dict[str, tuple[Callable[[Assembly, int], _Bodies], str]] = {
    "nat_gateways": (_nat_gateways, "so many, each with its address"),
    "interface_endpoints": (_interface_endpoints, "so many, each in every zone of the VPC"),
    "flink_applications": (_flink_applications, "so many altogether"),
    "session_clock": (_session_clock, "off: nothing stops the ingester and Flink outside sessions"),
    "tracing": (_tracing, "off: no traces of functions and API"),
    "detailed_metrics": (_detailed_metrics, "off: no metrics of the API's single methods"),
}
"""What is changed in the templates: how, and what the value means."""


@dataclass(frozen=True)
class Changes:
    """`settings` are for the synthesis, `edits` for what it has written."""

    load: Load
    settings: Mapping[str, str] = field(default_factory=dict)
    edits: Mapping[str, int] = field(default_factory=dict)

    def applied(self, assembly: Assembly) -> Assembly:
        for name, value in self.edits.items():
            assembly = Assembly(EDITS[name][0](assembly, value))
        return assembly


def changes(load: Load, given: Sequence[str]) -> Changes:
    """Of `NAME=VALUE` each. Raises WrongChangeError."""
    settings: dict[str, str] = {}
    edits: dict[str, int] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if name in FIELDS and equals:
            load = load.given(name, value)
        elif name in SETTINGS and equals:
            settings[name] = value
        elif name in EDITS and equals:
            edits[name] = _count(name, value)
        else:
            raise WrongChangeError(f"{text}: expected NAME=VALUE, of {', '.join((*EDITS, *SETTINGS, *FIELDS))}")
    return Changes(load, settings, edits)


def _count(name: str, value: str) -> int:
    if value in {"on", "off"}:
        return int(value == "on")
    if not value.isdecimal() or len(value) > 3:
        raise WrongChangeError(f"{name} must be a number up to 999, or on or off, was {value!r}")
    return int(value)


def _added(assembly: Assembly, stack: str, resources: Mapping[str, Any]) -> _Bodies:
    body = assembly.bodies[stack]
    return {**assembly.bodies, stack: {**body, "Resources": {**body["Resources"], **resources}}}


def _each(assembly: Assembly, change: Callable[[_Bodies], None]) -> _Bodies:
    bodies: _Bodies = copy.deepcopy(dict(assembly.bodies))
    for template in bodies.values():
        for body in template["Resources"].values():
            change(body)
    return bodies
