"""Where keys are kept: on this machine, or in a deployment to AWS."""

from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local_dev.cli.running import address
from local_dev.keys.book import KeyBook
from local_dev.keys.edge_store import EdgeStore
from local_dev.keys.keys_file import KeysFile
from local_dev.runtime.deploy import clients
from local_dev.runtime.state import VERSION_FILE, WrongState
from shared.errors import StoreUnavailable
from shared.stores.control import ControlStore

EDGE_REGION = "us-east-1"


def here(state: Path) -> KeyBook:
    """The keys of a state folder; a platform that runs on it is told of changes. Raises WrongState."""
    if not (state / VERSION_FILE).exists():
        raise WrongState(f"there is no state folder at {state}: condvest up makes one.")
    running = address(state)
    control = None
    if running is not None and running.emulator:
        control = ControlStore(clients(running.emulator)("dynamodb"), running.control_table)
    return KeyBook(KeysFile(state, control), None)


def on_aws(environment: str, region: str) -> KeyBook:
    """The keys of a deployment, by the caller's credentials. Raises StoreUnavailable."""
    table = _output(region, f"condvest-{environment}-storage", "ControlTableName")
    arn = _output(EDGE_REGION, f"condvest-{environment}-edge", "KeyStoreArn")
    store = _client("cloudfront-keyvaluestore", EDGE_REGION)
    return KeyBook(ControlStore(_client("dynamodb", region), table), EdgeStore(store, arn))


def _output(region: str, stack: str, name: str) -> str:
    try:
        (found,) = _client("cloudformation", region).describe_stacks(StackName=stack)["Stacks"]
    except (BotoCoreError, ClientError) as error:
        raise StoreUnavailable(f"stack {stack} in {region} cannot be read: {error}") from error
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", ())}
    if name not in outputs:
        raise StoreUnavailable(f"stack {stack} in {region} has no output {name}: deploy it again")
    return str(outputs[name])


def _client(service: str, region: str) -> Any:
    config = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 3, "mode": "standard"})
    return boto3.session.Session().client(service, region_name=region, config=config)
