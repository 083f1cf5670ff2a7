"""`condvest doctor --aws`: what an AWS account lacks before a deployment, or after one. Every call only reads."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local_dev.cli.account_quotas import Aws, quotas
from local_dev.cli.finding import Finding
from local_dev.runtime.synth import ROOT
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
from shared.stores.certificates import regions

IMAGES = ROOT / "locks" / "images.json"
CONFIG = Config(connect_timeout=3, read_timeout=8, retries={"total_max_attempts": 2, "mode": "standard"})
TAG = "project"


@dataclass(frozen=True)
class Account:
    """One environment in one account."""

    environment: str
    region: str
    aws: Aws

    def examine(self) -> Iterator[Finding]:
        """Ends at once when nobody can be asked; a single refusal is a finding among the others."""
        try:
            caller = self.aws("sts", self.region).get_caller_identity()
        except (BotoCoreError, ClientError) as error:
            yield Finding("credentials", _words(error), "set AWS_PROFILE, or sign in: aws sso login")
            return
        yield Finding("credentials", f"account {caller['Account']}, {caller['Arn'].rpartition(':')[2]}")
        known = self.region in regions()
        yield Finding(
            "region", self.region, "" if known else "its database could not be told from another: take one of AWS's"
        )
        for region in dict.fromkeys((self.region, EDGE_REGION)):
            yield self._asked(f"bootstrap {region}", partial(self._bootstrap, region))
        yield _docker()
        yield _base_image()
        checks: dict[str, Callable[[], Finding]] = {
            **quotas(self.aws, self.region),
            "stacks": self._stacks,
            "vendor key": self._vendor_key,
            "alarms": self._alarms,
            "cost tag": self._cost_tag,
        }
        for what, check in checks.items():
            yield self._asked(what, check)

    def _asked(self, what: str, check: Callable[[], Finding]) -> Finding:
        try:
            return check()
        except (BotoCoreError, ClientError, LookupError) as error:
            return Finding(what, _words(error), "ask with credentials that may read this", limits=True)

    def _bootstrap(self, region: str) -> Finding:
        version = bootstrap_version(self.aws("ssm", region))
        enough = version >= BOOTSTRAP_VERSION
        return Finding(
            f"bootstrap {region}", f"version {version}" if version else "none", "" if enough else to_bootstrap(region)
        )

    def _stacks(self) -> Finding:
        prefix = stack_name(self.environment, "")
        pages = self.aws("cloudformation", self.region).get_paginator("describe_stacks").paginate()
        found = {
            s["StackName"]: s["StackStatus"]
            for page in pages
            for s in page["Stacks"]
            if s["StackName"].startswith(prefix)
        }
        wrong = sorted(name for name, status in found.items() if "FAILED" in status or status == "ROLLBACK_COMPLETE")
        remedy = f"{', '.join(wrong)}: see its events, and docs/deployment.md under Rollback" if wrong else ""
        return Finding("stacks", f"{len(found)} of {prefix}*" if found else "none deployed yet", remedy)

    def _vendor_key(self) -> Finding:
        storage = stack_name(self.environment, "storage")
        if self._deployed("storage") is None:
            return Finding("vendor key", "goes into a secret of the first stack; POLYGON_API_KEY, if set, is put there")
        secret = vendor_secret(self.aws("cloudformation", self.region), storage)
        there = was_set(self.aws("secretsmanager", self.region), secret)
        return Finding("vendor key", "set" if there else "not set", "" if there else f"put it into the secret {secret}")

    def _alarms(self) -> Finding:
        topic = (self._deployed("monitoring") or {}).get("AlarmTopicArn")
        if topic is None:
            return Finding("alarms", "no topic yet")
        pages = self.aws("sns", self.region).get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        arns = [one["SubscriptionArn"] for page in pages for one in page["Subscriptions"]]
        told = [arn for arn in arns if arn.startswith("arn:")]
        waiting = "confirm the subscription in the mailbox" if arns else f"subscribe to {topic}"
        return Finding("alarms", f"{len(told)} told, {len(arns) - len(told)} not confirmed", "" if told else waiting)

    def _cost_tag(self) -> Finding:
        found = self.aws("ce", EDGE_REGION).list_cost_allocation_tags(TagKeys=[TAG], Status="Active")[
            "CostAllocationTags"
        ]
        remedy = f"a day after the first deployment: activate the tag {TAG} under Billing, Cost allocation tags"
        return Finding("cost tag", "active" if found else "not active", "" if found else remedy, limits=True)

    def _deployed(self, stack: str) -> dict[str, str] | None:
        return outputs(self.aws("cloudformation", self.region), stack_name(self.environment, stack))


def account(environment: str, region: str | None) -> Account:
    """By the credentials of the environment, as the AWS command line finds them."""
    session = boto3.session.Session()

    def client(service: str, where: str) -> Any:
        return session.client(service, region_name=where, config=CONFIG)

    return Account(environment, region or session.region_name or EDGE_REGION, client)


def _docker() -> Finding:
    there = shutil.which("docker")
    return Finding(
        "Docker", there or "none", "" if there else "images are built by it, for arm64: install it with buildx"
    )


def _base_image() -> Finding:
    """Without a digest nothing is deployed (stacks/constructs/base_image.py)."""
    digest = json.loads(IMAGES.read_text(encoding="utf-8"))["digest"]
    return Finding("base image", digest[:19] or "no digest", "" if digest else "make lock-image")


def _words(error: Exception) -> str:
    """What happened, without the request: one line."""
    if isinstance(error, ClientError):
        return str(error.response["Error"]["Code"])
    return " ".join(str(error).split())
