"""What must hold of every function: runtime, place, log group, variables."""

import importlib.util
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from batch_layer.bootstrap import BootstrapSettings
from batch_layer.nightly.settings import FetchSettings, LoadSettings
from serving_layer.alerts.handler import AlertsSettings
from serving_layer.api.wiring import ApiSettings
from serving_layer.auth.handler import AuthSettings
from shared.stores.postgres import PostgresSettings
from speed_layer.notify.handler import NotifySettings
from speed_layer.planner.handler import PlannerSettings
from speed_layer.settings import ArchiveSettings, TableSettings
from speed_layer.signals.settings import SignalsSettings
from speed_layer.watch.handler import WatchSettings
from stacks.constructs.bundle import closure
from stacks.settings import ROOT
from tests.infrastructure.templates import Templates

Settings = type[msgspec.Struct]
HANDLERS: dict[str, tuple[str, tuple[Settings, ...]]] = {
    "Archive": ("speed_layer.archive.handler", (ArchiveSettings,)),
    "Live": ("speed_layer.live.handler", (TableSettings,)),
    "Persist": ("speed_layer.persist.handler", (TableSettings,)),
    "Signals": ("speed_layer.signals.handler", (SignalsSettings,)),
    "Notify": ("speed_layer.notify.handler", (NotifySettings,)),
    "Announce": ("speed_layer.announce.handler", (NotifySettings,)),
    "Planner": ("speed_layer.planner.handler", (PlannerSettings,)),
    "Watch": ("speed_layer.watch.handler", (WatchSettings,)),
    "AlertsFunction": ("serving_layer.alerts.handler", (AlertsSettings,)),
    "ApiFunction": ("serving_layer.api.handler", (ApiSettings, PostgresSettings)),
    "AuthFunction": ("serving_layer.auth.handler", (AuthSettings,)),
    "Fetch": ("batch_layer.nightly.outside", (FetchSettings,)),
    "Load": ("batch_layer.nightly.inside", (LoadSettings, PostgresSettings)),
    "Migrate": ("batch_layer.migrate", (PostgresSettings,)),
    "Bootstrap": ("batch_layer.bootstrap", (BootstrapSettings,)),
}
MEASURES: dict[bool, set[str]] = {True: {"METRICS_NAMESPACE"}, False: set()}
"""Who has something to measure is told where it goes."""
ALONE = {"Archive", "Live", "Persist", "Signals", "Notify", "Announce", "Watch"}
"""Nobody waits for these: streams and a clock call them."""
LARGE = {
    "Signals": (300, 1769),
    "Fetch": (900, 1024),
    "Load": (900, 1769),
    "Migrate": (240, 512),
    "Bootstrap": (600, 512),
}
"""Seconds and MB of the functions that take more than a minute or a GB."""


@pytest.fixture(params=sorted(HANDLERS))
def name(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def function(name: str, templates: Templates) -> Mapping[str, Any]:
    return templates.one("AWS::Lambda::Function", name).properties


def test_these_are_all_the_functions_there_are(templates: Templates) -> None:
    assert len(templates.resources("AWS::Lambda::Function")) == len(HANDLERS)


def test_a_function_runs_python_313_on_arm64(function: Mapping[str, Any]) -> None:
    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["arm64"]


def test_a_handler_is_a_module_of_ours(name: str, function: Mapping[str, Any]) -> None:
    module, _ = HANDLERS[name]
    assert function["Handler"] == f"{module}.lambda_handler"
    assert importlib.util.find_spec(module) is not None


def test_a_function_gets_exactly_the_variables_its_settings_name(name: str, function: Mapping[str, Any]) -> None:
    given = set(function["Environment"]["Variables"])
    fields = [field for kind in HANDLERS[name][1] for field in msgspec.structs.fields(kind)]
    assert {field.name.upper() for field in fields if field.required} <= given
    measures = ROOT / "shared/metrics.py" in closure(HANDLERS[name][0])
    assert given - {field.name.upper() for field in fields} == {"LOG_LEVEL"} | MEASURES[measures]


def test_a_function_is_traced_where_somebody_waits_for_it(name: str, function: Mapping[str, Any]) -> None:
    assert function.get("TracingConfig") == (None if name in ALONE else {"Mode": "Active"})


def test_a_function_is_bounded(name: str, function: Mapping[str, Any]) -> None:
    longest, most = LARGE.get(name, (60, 1024))
    assert 0 < function["Timeout"] <= longest
    assert 256 <= function["MemorySize"] <= most
    assert "ReservedConcurrentExecutions" not in function, "a new account may have ten in all"


def test_signals_have_a_whole_processor_and_time_to_roll_every_ring_up(templates: Templates) -> None:
    function = templates.one("AWS::Lambda::Function", "Signals").properties
    assert (function["MemorySize"], function["Timeout"]) == (1769, 300)


def test_a_function_writes_to_a_log_group_of_its_own(
    name: str, function: Mapping[str, Any], templates: Templates
) -> None:
    group = function["LoggingConfig"]["LogGroup"]["Ref"]
    users = [
        f.id
        for f in templates.resources("AWS::Lambda::Function")
        if f.properties["LoggingConfig"]["LogGroup"]["Ref"] == group
    ]
    assert len(users) == 1
    assert group.startswith(name)


def test_a_function_waits_for_its_policy(name: str, templates: Templates) -> None:
    waits = templates.one("AWS::Lambda::Function", name).body["DependsOn"]
    assert [one.rstrip("0123456789ABCDEF") for one in waits] == [f"{name}RoleDefaultPolicy"]


def test_only_api_gateway_may_invoke_a_function_and_only_from_this_api(templates: Templates) -> None:
    permissions = templates.resources("AWS::Lambda::Permission")
    assert permissions
    for permission in permissions:
        assert permission.properties["Principal"] == "apigateway.amazonaws.com"
        assert "PublicApi" in str(permission.properties["SourceArn"])
