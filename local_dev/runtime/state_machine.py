"""The deployed state machine on this machine: the emulator walks through it, and we do what it names.

Where the template names functions and jobs on AWS it names activities here, nothing else differs; this process is the
worker of all of them.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local_dev.runtime.deploy import CREDENTIALS, REGION

LOOK_S = 0.1
EXIT_S = 2.0
CAUSE_LIMIT = 32_768


class TaskFailed(Exception):
    """`error`: the name by which the state machine's Retry and Catch know it."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error, self.cause = error, cause


class Ended(NamedTuple):
    """Of an execution: its ARN, `status` as the service says it, the output of one that succeeded, else error and
    cause."""

    arn: str
    status: str
    output: dict[str, Any]
    error: str
    cause: str

    @property
    def succeeded(self) -> bool:
        return self.status == "SUCCEEDED"


Does = Callable[[dict[str, Any]], Any]


def states_client(url: str) -> Any:
    """For one thread: a worker keeps its connection until there is a task."""
    return boto3.session.Session().client(
        "stepfunctions",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        config=Config(connect_timeout=2, read_timeout=65, retries={"total_max_attempts": 1}),
    )


def activities_of(definition: str) -> set[str]:
    """ARNs of the activities that a definition names."""
    found: set[str] = set()

    def look(part: object) -> None:
        if isinstance(part, dict):
            resource = part.get("Resource")
            if isinstance(resource, str) and ":activity:" in resource:
                found.add(resource)
            for value in part.values():
                look(value)
        elif isinstance(part, list):
            for value in part:
                look(value)

    look(json.loads(definition))
    return found


class StateMachine:
    """Use it as a context manager: workers live as long as the block. `does`: by the name of an activity."""

    def __init__(self, url: str, does: Mapping[str, Does]) -> None:
        """Raises LookupError unless there is exactly one state machine, and all of its activities are in `does`."""
        self._url, self._client = url, states_client(url)
        machines = self._client.list_state_machines()["stateMachines"]
        if len(machines) != 1:
            raise LookupError(f"the templates must hold exactly one state machine, they hold {len(machines)}")
        self.arn: str = machines[0]["stateMachineArn"]
        definition = self._client.describe_state_machine(stateMachineArn=self.arn)["definition"]
        self._does = {arn: does[arn.rsplit(":", 1)[1]] for arn in activities_of(definition)}
        self._stopping = threading.Event()
        self._workers = [threading.Thread(target=self._work, args=pair, daemon=True) for pair in self._does.items()]

    def __enter__(self) -> "StateMachine":
        for arn in self._does:  # anew: an emulator that was stopped remembers activities, and not where their tasks are
            with suppress(self._client.exceptions.ActivityDoesNotExist):
                self._client.delete_activity(activityArn=arn)
            self._client.create_activity(name=arn.rsplit(":", 1)[1])
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        """A worker that still does something is not waited for: its execution has been stopped."""
        self._stopping.set()
        for worker in self._workers:
            worker.join(EXIT_S)

    def run(self, given: Mapping[str, Any], stop: Callable[[], bool] = lambda: False) -> Ended:
        """Start an execution and wait for its end. `stop` is asked meanwhile: it may end the execution."""
        arn = self._client.start_execution(stateMachineArn=self.arn, input=json.dumps(given))["executionArn"]
        while (told := self._client.describe_execution(executionArn=arn))["status"] == "RUNNING":
            if stop():
                self._client.stop_execution(executionArn=arn, error="Stopped", cause="the platform is stopping")
            time.sleep(LOOK_S)
        output = json.loads(told["output"]) if told.get("output") else {}
        return Ended(arn, told["status"], output, told.get("error", ""), told.get("cause", ""))

    def _work(self, arn: str, does: Does) -> None:
        client = states_client(self._url)
        while not self._stopping.is_set():
            try:
                task = client.get_activity_task(activityArn=arn)
            except (BotoCoreError, ClientError):  # an emulator too busy to answer, or stopped before us
                self._stopping.wait(LOOK_S)
                continue
            if task.get("taskToken"):
                self._do(client, task, does)

    def _do(self, client: Any, task: Mapping[str, Any], does: Does) -> None:
        """An execution that was stopped meanwhile takes no answer."""
        try:
            done = json.dumps(does(json.loads(task["input"])))
        except TaskFailed as failed:
            with suppress(BotoCoreError, ClientError):
                cause = failed.cause[:CAUSE_LIMIT]
                client.send_task_failure(taskToken=task["taskToken"], error=failed.error, cause=cause)
        else:
            with suppress(BotoCoreError, ClientError):
                client.send_task_success(taskToken=task["taskToken"], output=done)
