"""What the templates came to in the emulator: functions, pollers and routes are started from this and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Function:
    name: str
    arn: str
    handler: str  # module.attribute
    environment: Mapping[str, str]
    timeout_s: int
    memory_mb: int

    @property
    def module(self) -> str:
        return self.handler.rpartition(".")[0]


@dataclass(frozen=True)
class StreamMapping:
    """An event source mapping of a stream (Kinesis, or a table's), in the service's own terms (-1: until the record
    expires)."""

    uuid: str
    function: str
    stream_arn: str
    batch_size: int
    window_s: int
    starting_position: str
    bisect: bool
    max_attempts: int  # retries after the first attempt
    max_record_age_s: int
    report_item_failures: bool
    on_failure_arn: str | None
    patterns: tuple[str, ...] = ()  # JSON; any one that fits lets a record pass


@dataclass(frozen=True)
class Authorizer:
    """`identity_sources`: request parts that must be present and not empty, else 401 without a call."""

    function: str
    identity_sources: tuple[str, ...]
    ttl_s: int


@dataclass(frozen=True)
class Route:
    """One method of one resource; `method` may be ANY, `path` holds {name} and {name+} parts."""

    method: str
    path: str
    function: str
    timeout_s: float
    authorizer: Authorizer | None


@dataclass(frozen=True)
class GatewayResponse:
    """How the front door answers without, or instead of, an integration. Headers and template hold $context terms."""

    kind: str
    status: int | None
    headers: Mapping[str, str]
    template: str


@dataclass(frozen=True)
class RestApi:
    id: str
    stage: str
    binary_media_types: tuple[str, ...]
    routes: tuple[Route, ...]
    responses: Mapping[str, GatewayResponse]


@dataclass(frozen=True)
class Container:
    """One container of a task definition: what it runs and with which variables."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]

    @property
    def python_arguments(self) -> tuple[str, ...]:
        """Its command after the interpreter, which is this machine's own here. Raises LookupError for another one."""
        python, *arguments = self.command
        if python != "python":
            raise LookupError(f"the command of {self.name} must start with python, was {python}")
        return tuple(arguments)


@dataclass(frozen=True)
class Deployment:
    functions: Mapping[str, Function]
    mappings: tuple[StreamMapping, ...]
    api: RestApi
    containers: tuple[Container, ...]

    def function_of(self, module: str) -> Function:
        """The function whose handler lives in `module`. Raises LookupError naming it."""
        return _only([f for f in self.functions.values() if f.module == module], f"function for {module}")

    def container_of(self, module: str) -> Container:
        """The container that runs `python -m module`. Raises LookupError naming it."""
        return _only([c for c in self.containers if module in c.command], f"container that runs {module}")


def _only(found: list[T], what: str) -> T:
    if len(found) != 1:
        raise LookupError(f"the templates must hold exactly one {what}, they hold {len(found)}")
    return found[0]
