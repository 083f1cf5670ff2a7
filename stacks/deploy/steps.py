"""What a deployment does after synthesis: the vendor's key, every stack, the dashboard. Each step may be repeated."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.bars.sessions import SessionTable
from shared.bars.windows import HOUR_MS
from shared.clients.stacks import (
    BOOTSTRAP_VERSION,
    EDGE_REGION,
    bootstrap_version,
    outputs,
    stack_name,
    to_bootstrap,
    vendor_secret,
    was_set,
)
from shared.polygon.market_answers import market_now
from stacks.deploy.page import upload
from stacks.settings import Settings

TAKES_MS = HOUR_MS
"""A deployment, at most."""
Aws = Callable[[str, str], Any]
"""Service and region -> boto3 client."""


class DeploymentRefused(RuntimeError):
    """It was not begun, or stopped where it stands; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One environment, as it was synthesised into `assembly`.

    `cdk` runs the CDK's command line and gives its exit code. `vendor_key` is put into the secret if that has none yet.
    """

    assembly: Path
    settings: Settings
    aws: Aws
    cdk: Callable[[Sequence[str]], int]
    say: Callable[[str], None]
    vendor_key: str = ""

    def run(self) -> None:
        """Raises DeploymentRefused."""
        self.check_bootstrap()
        if self._outputs("storage") is None:
            self._cdk("Storage")  # the ingester of a later stack starts with the key, so it must be there before
        self.give_key()
        self._cdk("--all")
        edge = self._outputs("edge", EDGE_REGION) or {}
        count = upload(self.aws("s3", EDGE_REGION), edge["PageBucketName"])
        self.say(f"{count} files of the dashboard are in {edge['PageBucketName']}")
        self.say(f"API and dashboard: {edge['Url']}")

    def plan_today(self) -> None:
        """What the session clock would have planned this morning, as far as it is ahead: the ingester of a first
        deployment need not wait for tomorrow. Raises DeploymentRefused."""
        planner = (self._outputs("clock") or {})["PlannerName"]
        answer = self.aws("lambda", self.settings.region).invoke(FunctionName=planner)
        told = answer["Payload"].read().decode()
        if "FunctionError" in answer:
            raise DeploymentRefused(f"all is deployed, but the session clock could not plan today: {told}")
        orders = ", ".join(json.loads(told)["made"])
        self.say(f"session clock, today: {orders or 'nothing more to start or stop'}")

    def refuse_in_session(self, sessions: SessionTable, now_ms: int) -> None:
        """An update restarts the ingester: refused from an hour before the first trade of extended hours, which the
        deployment may take, to their last.

        What has no ingester yet may be deployed at any time. Raises DeploymentRefused.
        """
        market = market_now(sessions, now_ms)["market"]
        if market == "closed" and market_now(sessions, now_ms + TAKES_MS)["market"] != "closed":
            market = "soon open"
        if market != "closed" and self._outputs("speed") is not None:
            raise DeploymentRefused(
                f"the market is {market.replace('-', ' ')}: an update restarts the ingester. "
                "Wait until 20:00 New York, or take the gap with --force-in-session."
            )

    def check_bootstrap(self) -> None:
        """In both regions. Raises DeploymentRefused."""
        for region in dict.fromkeys((self.settings.region, EDGE_REGION)):
            if (found := bootstrap_version(self.aws("ssm", region))) < BOOTSTRAP_VERSION:
                raise DeploymentRefused(
                    f"{region} is not bootstrapped for the CDK (version {found}, {BOOTSTRAP_VERSION} is needed): "
                    f"{to_bootstrap(region)}"
                )

    def give_key(self) -> None:
        """Put the vendor's key into its secret, unless somebody has set it. Raises DeploymentRefused without a key."""
        storage = stack_name(self.settings.environment, "storage")
        region = self.settings.region
        secret = vendor_secret(self.aws("cloudformation", region), storage)
        if was_set(self.aws("secretsmanager", region), secret):
            return
        if not self.vendor_key:
            raise DeploymentRefused(
                f"the vendor's key is not set: put it into the secret {secret} of {region}, or into POLYGON_API_KEY, "
                "and deploy again."
            )
        self.aws("secretsmanager", region).put_secret_value(SecretId=secret, SecretString=self.vendor_key)
        self.say(f"POLYGON_API_KEY is now in the secret {secret}")

    def _cdk(self, what: str) -> None:
        if code := self.cdk(["deploy", what, "--app", str(self.assembly)]):
            raise DeploymentRefused(f"cdk deploy {what} ended with {code}; what it printed says why")

    def _outputs(self, stack: str, region: str = "") -> dict[str, str] | None:
        client = self.aws("cloudformation", region or self.settings.region)
        return outputs(client, stack_name(self.settings.environment, stack))
