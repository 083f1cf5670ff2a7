"""Everything but the feed: servers, deployed templates, functions, pollers, push, front door. Read `start` top-down."""

import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from batch_layer.lake.objects import Objects
from batch_layer.load.migrate import MIGRATE_S, migrate
from local_dev.keys.keys_file import KeysFile
from local_dev.runtime import servers
from local_dev.runtime.alerts_file import AlertsFile
from local_dev.runtime.checkpoints import FileCheckpoints
from local_dev.runtime.deploy import clients, deploy_noted, last_deployed
from local_dev.runtime.deployment import Function
from local_dev.runtime.environment import stand_ins
from local_dev.runtime.functions import FunctionPool, FunctionSpec, InvocationResult, LocalFunction
from local_dev.runtime.gateway.pages import Pages
from local_dev.runtime.gateway.server import Gateway
from local_dev.runtime.local_key import local_key
from local_dev.runtime.mapping_settings import MappingSettings
from local_dev.runtime.poller import Poller
from local_dev.runtime.postgres import PostgresServer, start_postgres, stop_postgres
from local_dev.runtime.processes import Supervisor
from local_dev.runtime.push import Push
from local_dev.runtime.readback import read_deployment
from local_dev.runtime.restore import restore
from local_dev.runtime.roles import RolesFile
from local_dev.runtime.state import StateFolder
from local_dev.runtime.synth import ROOT, assembly
from shared.bars.sessions import SIMULATED, XNYS, SessionTable, sessions_named
from shared.errors import CondvestError
from shared.stores.control import ControlStore
from shared.stores.lake import Lake
from shared.stores.postgres import Postgres
from shared.stores.runs import RunLedger

CHECKPOINTS = "checkpoints.json"
EMULATOR = "AWS emulator"
DEPLOYED = "deployed"
"""File beside the emulator's snapshot: which assembly its stacks are of."""
DASHBOARD = ROOT / "serving_layer" / "dashboard"
POSTGRES = "POSTGRES_"
"""How the variables begin that say where the database is."""
NOT_SERVED = ("batch_layer.", "speed_layer.watch.")
"""Modules of functions that are started when there is something to do for them (nightly.py), and of the one whose
metrics nobody here would read."""
WORKERS = {"api": 2}  # answers in progress at once; stream functions take one batch at a time
T = TypeVar("T")


class PlatformFailed(CondvestError):
    """A part that must run has ended; the message names it and its log."""


class Platform:
    """`say` gets one line for each step with the seconds it took. `stop` may be called at any time after `__init__`."""

    def __init__(self, state: StateFolder, listening: socket.socket, say: Callable[[str], None]) -> None:
        self.state, self._listening, self._say = state, listening, say
        self.supervisor = Supervisor(state.logs)
        self.pollers: dict[str, Poller] = {}
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.key = ""
        self._pool = FunctionPool(state.logs)
        self._roles = RolesFile(state.path, self.roles)
        self._alerts = AlertsFile(state.path)
        self._emulator: servers.Emulator | None = None
        self._database: PostgresServer | None = None
        self._checkpoints: FileCheckpoints | None = None
        self._gateway: Gateway | None = None
        self._behind: list[LocalFunction] = []
        self.push = Push(self.supervisor)

    def start(self) -> None:
        """Raises CondvestError, with what was started still running."""
        self.deploy()
        self.serve()

    def deploy(self) -> None:
        """Servers, stacks, and what the state holds: from here on data may be put in. Raises as `start`."""
        with_servers = ThreadPoolExecutor(4, "start")
        templates_ready = with_servers.submit(self._timed, "templates", lambda: assembly(self.supervisor))
        cache_ready = with_servers.submit(self._timed, "cache", self._start_cache)
        database_ready = with_servers.submit(self._timed, "database", self._start_database)
        emulator = with_servers.submit(self._timed, "emulator", self._start_emulator).result()
        self._emulator = emulator
        self.client = clients(emulator.url)
        self._deploy_stacks(emulator, templates_ready.result())
        self.deployment = read_deployment(self.client)
        self._open_stores()
        if not emulator.restored:
            self._timed("state", lambda: restore(self.state, self.client, self.deployment, self._sessions))
            self._alerts.restore(self.client("dynamodb"), self._alerts_table)
        self.key = local_key(self.state, self.control)
        self.restore_keys()
        self.cache = cache_ready.result()
        self._database = database_ready.result()
        with_servers.shutdown()

    def restore_keys(self) -> None:
        """Keys of the state folder, into the table."""
        KeysFile(self.state.path).restore(self.control)

    def serve(self) -> None:
        """What answers first, then what makes bars of streams, which loads while the page opens. Raises as `start`."""
        container = self.deployment.container_of("serving_layer.push")
        self.push.start(container, self.environment_of(container.environment))
        self._timed("functions", lambda: self._pool.start(self._specs(answering=True)))
        self._timed("push", self.push.wait_ready)
        self._gateway = Gateway(
            self.deployment.api, self._pool.invoke, self._listening, pages=Pages(DASHBOARD), push=self.push.url
        )
        self._gateway.start()
        self._behind = self._pool.launch(self._specs(answering=False))
        self._start_pollers()
        self._roles.start()
        self._alerts.start(self.client("dynamodb"), self._alerts_table)

    def stop(self) -> None:
        """In order: no new requests, no new batches, then what they need; the emulator writes its snapshot last."""
        if self._gateway is not None:
            self._gateway.stop()
        self._listening.close()
        for poller in self.pollers.values():
            poller.stop()
        self._alerts.stop()
        if self._checkpoints is not None:
            self._checkpoints.write()
        self._pool.stop()
        if self._database is not None:
            stop_postgres(self.supervisor, self._database)
        if self._emulator is not None:
            servers.stop_emulator(self.supervisor, self._emulator)
        self.supervisor.stop()
        self._roles.stop()

    def check(self) -> None:
        """Raises PlatformFailed when a part has ended that nobody starts again."""
        for function in self._behind:
            if function.failure is not None:
                raise PlatformFailed(f"a function cannot be loaded: {function.failure}")
        for child in self.supervisor.children:
            if child.command.name in {"emulator", "cache", "postgres", "push"} and child.down:
                raise PlatformFailed(f"the {child.command.name} has ended; {child.log} ends:\n{child.last_words()}")
        for role, poller in self.pollers.items():
            if poller.failure is not None:
                raise PlatformFailed(f"the poller of {role} has failed: {poller.failure!r}")

    def roles(self) -> Mapping[str, int]:
        """Process id by role; of a function with several processes the first has its plain name."""
        found = {child.command.name: child.pid for child in self.supervisor.children if child.alive}
        names = {"cache": "valkey"}
        found = {names.get(name, name): pid for name, pid in found.items()}
        for name, pids in self._pool.pids.items():
            role = role_of(self.deployment.functions[name])
            found |= {f"{role}-{number}" if number else role: pid for number, pid in enumerate(pids)}
        return found

    def environment_of(self, given: Mapping[str, str]) -> dict[str, str]:
        """Of a function or container whose own variables are `given`."""
        environment = stand_ins(
            self._running_emulator().url, self.cache.endpoint, self._sessions, given, live=self.state.record.is_live
        )
        if self._database is None or not any(name.startswith(POSTGRES) for name in given):
            return environment
        others = {name: value for name, value in environment.items() if not name.startswith(POSTGRES)}
        return {**others, f"{POSTGRES}CONNINFO": self._database.conninfo}

    def invoke(self, name: str, event: bytes | Mapping[str, Any]) -> InvocationResult | None:
        """A function that is being served; None where none is."""
        return self._pool.invoke(name, event) if self._gateway is not None else None

    @property
    def endpoints(self) -> Mapping[str, str]:
        return {EMULATOR: self._running_emulator().url, "Valkey": self.cache.endpoint}

    def _start_emulator(self) -> servers.Emulator:
        return servers.start_emulator(self.supervisor, self.state.path, records_age=self.state.record.is_live)

    def _deploy_stacks(self, emulator: servers.Emulator, folder: Path) -> None:
        """Unless the emulator came back with the stacks of these very templates."""
        deployed = emulator.home / DEPLOYED
        if not emulator.restored or last_deployed(deployed) != folder.name:
            self._timed("stacks", lambda: deploy_noted(self.client, folder, deployed))

    def _start_cache(self) -> servers.Cache:
        cache = servers.start_cache(self.supervisor, self.state.path)
        servers.await_cache(cache)
        return cache

    def _start_database(self) -> PostgresServer:
        database = start_postgres(self.supervisor, self.state.path)
        Postgres(database.conninfo).run(migrate, MIGRATE_S)
        return database

    def _open_stores(self) -> None:
        archive = self.deployment.function_of("speed_layer.archive.handler").environment
        ingest = self.deployment.container_of("speed_layer.ingest").environment
        self.lake = Lake(self.client("s3"), archive["LAKE_BUCKET"])
        self.objects = Objects(self.client("s3"), archive["LAKE_BUCKET"])
        self.control_table = ingest["CONTROL_TABLE"]
        self.control = ControlStore(self.client("dynamodb"), self.control_table)
        self.runs = RunLedger(self.client("dynamodb"), ingest["CONTROL_TABLE"])

    def _specs(self, *, answering: bool) -> list[FunctionSpec]:
        """Of the functions that streams are read for, or of those that answer requests."""
        behind = {mapping.function for mapping in self.deployment.mappings}
        served = [one for one in self.deployment.functions.values() if not one.module.startswith(NOT_SERVED)]
        return [self.spec_of(function) for function in served if (function.name not in behind) is answering]

    def spec_of(self, function: Function, given: Mapping[str, str] | None = None) -> FunctionSpec:
        """What runs a function here; `given` stands over its environment."""
        environment = self.environment_of(function.environment)
        if role_of(function) == "api":
            environment["LOCAL_KEY"] = self.key
        return FunctionSpec(
            name=function.name,
            handler=function.handler,
            environment={**environment, **(given or {})},
            timeout_seconds=function.timeout_s,
            memory_mb=function.memory_mb,
            workers=WORKERS.get(role_of(function), 1),
        )

    def _start_pollers(self) -> None:
        self._checkpoints = FileCheckpoints(self.state.path / CHECKPOINTS)
        for mapping in self.deployment.mappings:
            function = self.deployment.functions[mapping.function]
            self.pollers[role_of(function)] = Poller(
                MappingSettings.of(mapping, function_arn=function.arn),
                partial(self._pool.invoke, function.name),
                self.client,
                checkpoints=self._checkpoints,
            )
        for poller in self.pollers.values():
            poller.start()

    @property
    def sessions(self) -> SessionTable:
        return sessions_named(self._sessions)

    @property
    def _sessions(self) -> str:
        return SIMULATED if self.state.record.is_simulated else XNYS

    @property
    def _alerts_table(self) -> str:
        return self.deployment.function_of("serving_layer.alerts.handler").environment["ALERTS_TABLE"]

    def _running_emulator(self) -> servers.Emulator:
        if self._emulator is None:
            raise PlatformFailed("the emulator has not been started")
        return self._emulator

    def _timed(self, what: str, step: Callable[[], T]) -> T:
        began = time.monotonic()
        result = step()
        self._say(f"{what} ready in {time.monotonic() - began:.1f} s")
        return result


def role_of(function: Function) -> str:
    """`archive` for the handler speed_layer.archive.handler.lambda_handler."""
    return function.module.split(".")[-2]
