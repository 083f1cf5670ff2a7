"""Synthesised templates -> stacks in the emulator, by CloudFormation with Target=local."""

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError

from local_dev.runtime.emulator_gaps import Clients, close_gaps
from local_dev.runtime.held_reads import PATIENT
from local_dev.runtime.synth import Template, templates
from shared.errors import CondvestError

REGION = "us-east-1"
ACCOUNT = "000000000000"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": ACCOUNT,
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
}
BODY_LIMIT = 51_200  # bytes of TemplateBody; larger templates travel by way of a bucket
STAGING_BUCKET = "condvest-local-templates"
WAIT = {"Delay": 0.05, "MaxAttempts": 1200}  # the emulator answers in milliseconds, the waiter's default is 30 s


class DeployFailed(CondvestError):
    """A stack was refused or did not complete; the message names the stack and the first resource that failed."""


def clients(url: str) -> Clients:
    """boto3 clients of the emulator at `url`, one for each service."""
    session = boto3.session.Session(
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )
    config = Config(
        connect_timeout=2,
        read_timeout=30,
        retries={"total_max_attempts": 2, "mode": "standard"},
        max_pool_connections=32,  # the pollers share them
        user_agent_appid=PATIENT,
    )
    made: dict[str, Any] = {}
    making = threading.Lock()  # a session is not thread-safe, its clients are

    def client(service: str) -> Any:
        with making:
            if service not in made:
                made[service] = session.client(service, endpoint_url=url, config=config)
            return made[service]

    return client


def last_deployed(note: Path) -> str:
    """Name of the assembly whose stacks were all deployed, "" when that did not come to its end."""
    return note.read_text() if note.exists() else ""


def deploy_noted(client: Clients, assembly: Path, note: Path) -> None:
    """Deploy an assembly and note that it was done. Raises DeployFailed."""
    note.unlink(missing_ok=True)
    deploy(client, templates(assembly))
    note.write_text(assembly.name)


def deploy(client: Clients, templates: Sequence[Template]) -> None:
    """Create or update every stack in the given order. Raises DeployFailed."""
    for template in templates:
        _bootstrap_parameters(client, template)
        if _exists(client, template.stack):
            _apply(client, template, "update")
        else:
            _apply(client, template, "create")
        close_gaps(client, template.stack, template.body["Resources"])


def _apply(client: Clients, template: Template, verb: str) -> None:
    cloudformation = client("cloudformation")
    known = template.body.get("Parameters", {})
    try:
        getattr(cloudformation, f"{verb}_stack")(
            StackName=template.stack,
            Parameters=[{"ParameterKey": "Target", "ParameterValue": "local"}] if "Target" in known else [],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
            **_body(client, template),
        )
        cloudformation.get_waiter(f"stack_{verb}_complete").wait(StackName=template.stack, WaiterConfig=WAIT)
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise DeployFailed(f"stack {template.stack} was refused: {error}") from error
    except WaiterError as error:
        raise DeployFailed(f"stack {template.stack} failed: {_first_failure(client, template.stack)}") from error


def _body(client: Clients, template: Template) -> Mapping[str, str]:
    text = json.dumps(template.body, separators=(",", ":"))
    if len(text.encode()) <= BODY_LIMIT:
        return {"TemplateBody": text}
    s3 = client("s3")
    s3.create_bucket(Bucket=STAGING_BUCKET)
    s3.put_object(Bucket=STAGING_BUCKET, Key=template.stack, Body=text.encode())
    return {"TemplateURL": f"{s3.meta.endpoint_url}/{STAGING_BUCKET}/{template.stack}"}


def _exists(client: Clients, stack: str) -> bool:
    try:
        found = client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return False
        raise DeployFailed(f"stack {stack} cannot be described: {error}") from error
    return bool(found)


def _first_failure(client: Clients, stack: str) -> str:
    events = client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    failed = [event for event in reversed(events) if event["ResourceStatus"].endswith("_FAILED")]
    if not failed:
        return "no reason given"
    return f"{failed[0]['LogicalResourceId']}: {failed[0].get('ResourceStatusReason', '')}"


def _bootstrap_parameters(client: Clients, template: Template) -> None:
    """CDK templates read the version of their bootstrap stack from Systems Manager; nobody bootstraps the emulator."""
    for parameter in template.body.get("Parameters", {}).values():
        if parameter["Type"] == "AWS::SSM::Parameter::Value<String>":
            client("ssm").put_parameter(Name=parameter["Default"], Value="30", Type="String", Overwrite=True)
