"""A database made ready for its roles, then for its code: what CloudFormation waits for when it deploys a stack.

A Lambda function outside the VPC, behind a custom resource: roles may only be made by the database's master, whose
password RDS keeps to itself and uses for the RDS Data API. Then `migrate`, inside the VPC, brings the schema up to date
as `migrator`. Done again it changes nothing; when the resource is deleted the data stays and so do its roles.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec
import urllib3
from botocore.exceptions import BotoCoreError, ClientError

from shared import settings
from shared.clients.aws import client
from shared.errors import CondvestError, StoreUnavailable
from shared.observability import event as log_event
from shared.observability import logger
from shared.stores import schema

ROLES = schema.FOLDER / "0009_roles.sql"
PAUSES_S = (2.0, 5.0, 10.0, 15.0, 30.0)
"""Before each further try: a cluster that has paused needs a quarter of a minute to come back."""
WAKING = ("DatabaseResumingException", "DatabaseUnavailableException", "ServiceUnavailableError", "ThrottlingException")
STATEMENT_S = 60.0
"""The Data API ends a statement after 45."""
MIGRATE_S = 300.0
"""Longer than `migrate` may run."""
REASON_CHARACTERS = 1_000
"""Of a failure: an answer to CloudFormation may have 4 KB."""

log = logger("bootstrap")


class BootstrapSettings(msgspec.Struct, frozen=True):
    """Environment: ARNs of the cluster and of its master's secret, the database, the name of the function `migrate`."""

    cluster_arn: str
    secret_arn: str
    postgres_database: str
    migrate_function: str


class DataApi(Protocol):
    """boto3's client of `rds-data`."""

    def execute_statement(self, *, resourceArn: str, secretArn: str, database: str, sql: str) -> object: ...  # noqa: N803 - AWS's names


class Bootstrap:
    """`migrate` calls the function of that name and gives back what it said. Raises StoreUnavailable."""

    def __init__(
        self,
        chosen: BootstrapSettings,
        data_api: DataApi,
        migrate: Callable[[], Mapping[str, Any]],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings, self._data_api, self._migrate, self._sleep = chosen, data_api, migrate, sleep

    def run(self) -> list[str]:
        """Names of the migrations that were applied."""
        self._make_roles()
        applied: list[str] = list(self._migrate()["applied"])
        log_event(log, 20, "database is ready", applied=applied)
        return applied

    def _make_roles(self) -> None:
        for pause in PAUSES_S:
            try:
                return self._execute(ROLES.read_text())
            except ClientError as error:
                if error.response["Error"]["Code"] not in WAKING:
                    raise StoreUnavailable(f"roles could not be made: {error}") from error
                self._sleep(pause)
        raise StoreUnavailable(f"the database did not wake up within {sum(PAUSES_S):.0f} s")

    def _execute(self, sql: str) -> None:
        chosen = self._settings
        self._data_api.execute_statement(
            resourceArn=chosen.cluster_arn, secretArn=chosen.secret_arn, database=chosen.postgres_database, sql=sql
        )


def call_function(name: str) -> dict[str, Any]:
    """What a function answers. Raises StoreUnavailable with what it failed of."""
    answer = client("lambda", MIGRATE_S, attempts=1).invoke(FunctionName=name, Payload=b"{}")
    told: dict[str, Any] = msgspec.json.decode(answer["Payload"].read())
    if "FunctionError" in answer:
        raise StoreUnavailable(f"{name}: {told.get('errorType')}: {told.get('errorMessage')}")
    return told


def answer_cloudformation(request: Mapping[str, Any], failure: str, put: Callable[[str, bytes], None]) -> None:
    """What CloudFormation waits for; `put` sends it to the address it gave."""
    answer = {name: request[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    answer |= {"Status": "FAILED" if failure else "SUCCESS", "Reason": failure[:REASON_CHARACTERS]}
    put(request["ResponseURL"], msgspec.json.encode(answer | {"PhysicalResourceId": "database-schema"}))


def put_answer(url: str, body: bytes) -> None:
    """Raises urllib3's HTTPError when it cannot be delivered: then Lambda tries the whole again."""
    with urllib3.PoolManager() as http:
        http.request("PUT", url, body=body, headers={"Content-Type": ""}, timeout=10.0, retries=3)


def lambda_handler(event: dict[str, Any], context: object) -> None:
    """Trigger: CloudFormation. It is told of every end, or it would wait for an hour."""
    failure = ""
    try:
        if event["RequestType"] != "Delete":
            chosen = settings.read(BootstrapSettings)
            data_api = client("rds-data", STATEMENT_S, attempts=1)
            Bootstrap(chosen, data_api, lambda: call_function(chosen.migrate_function)).run()
    except (CondvestError, BotoCoreError, ClientError) as error:
        failure = f"{type(error).__name__}: {error}"
        log_event(log, 40, "database is not ready", reason=failure)
    answer_cloudformation(event, failure, put_answer)
