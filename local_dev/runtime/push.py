"""The push process, as its task definition describes it: started again whenever it dies, always at the same address."""

import json
import sys
import time
from collections.abc import Mapping

from local_dev.runtime.deployment import Container
from local_dev.runtime.environment import process
from local_dev.runtime.held_reads import PATIENT
from local_dev.runtime.loopback import ask
from local_dev.runtime.processes import Child, Command, Supervisor
from local_dev.runtime.servers import LOOPBACK, ServerNotReady, free_port
from local_dev.runtime.synth import ROOT

APP_ID = "AWS_SDK_UA_APP_ID"
POLL_SECONDS = "0.2"
"""Between two looks at a stream: five a second, all that a shard on AWS has for its readers, and little work here."""
READY_SECONDS = 30.0


class Push:
    """Belongs to one platform, whose supervisor stops it."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor, self._port = supervisor, free_port()
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Where its WebSocket is, for the front door."""
        return f"http://{LOOPBACK}:{self._port}/stocks"

    def start(self, container: Container, environment: Mapping[str, str]) -> None:
        """`environment`: the container's own with our stand-ins."""
        changed = {"HOST": LOOPBACK, "PORT": str(self._port), "POLL_SECONDS": POLL_SECONDS, APP_ID: PATIENT}
        argv = (sys.executable, *container.python_arguments)
        command = Command("push", argv, process({**environment, **changed}), cwd=ROOT, respawn=True, endless=True)
        self._child = self._supervisor.start(command)

    def wait_ready(self) -> None:
        """Until it takes clients. Raises ServerNotReady."""
        child, deadline = self._child, time.monotonic() + READY_SECONDS
        if child is None:
            raise ServerNotReady("the push process has not been started")
        while not self._health().get("ready"):
            if child.down or time.monotonic() > deadline:
                raise ServerNotReady(f"the push process did not start; its log ends with:\n{child.last_words()}")
            time.sleep(0.05)

    @property
    def subscribed(self) -> int:
        """Clients with at least one channel; 0 while it is being started again."""
        return int(self._health().get("subscribed", 0))

    def _health(self) -> Mapping[str, int | bool]:
        """Empty while it does not answer."""
        try:
            health: dict[str, int | bool] = json.loads(ask(f"http://{LOOPBACK}:{self._port}/health"))
        except (OSError, ValueError):
            return {}
        return health
