"""`make deploy`: synthesise, deploy every stack with the CDK's command line, upload the dashboard.

    -c KEY=VALUE         a setting (stacks/settings.py), may be repeated
    --yes                do not ask before rights are widened
    --force-in-session   update while the market trades, which restarts the ingester

POLYGON_API_KEY or MASSIVE_API_KEY, if one is set, is put into the vendor's secret when that has no value yet. Exit 1
when something refuses, 2 for wrong input.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Sequence
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from shared.bars.sessions import new_york_sessions
from stacks.deploy import cdk_cli
from stacks.deploy.steps import Aws, Deployment, DeploymentRefused
from stacks.deploy.synthesis import NothingToDeploy, settings_of, synthesise_real
from stacks.settings import ROOT

KEY_NAMES = ("POLYGON_API_KEY", "MASSIVE_API_KEY")
"""Variables that may hold the vendor's key; the first that does."""
CONFIG = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 3, "mode": "standard"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; see the module's docstring."""
    options = parser().parse_args(arguments)
    try:
        context, settings = settings_of(options.context)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    environment = {**os.environ, "AWS_REGION": settings.region, "AWS_DEFAULT_REGION": settings.region}
    approval = ("--require-approval", "never") if options.yes else ()
    deployment = Deployment(
        assembly=ROOT / "cdk.out",
        settings=settings,
        aws=_clients(),
        cdk=lambda words: cdk_cli.run([*words, *approval], environment),
        say=lambda line: print(line, flush=True),  # noqa: T201 - a command line prints
        vendor_key=next((key for name in KEY_NAMES if (key := os.environ.get(name))), ""),
    )
    try:
        _check_docker()
        deployment.check_bootstrap()
        if not options.force_in_session:
            deployment.refuse_in_session(new_york_sessions(), int(time.time() * 1000))
        synthesise_real(deployment.assembly, context)
        deployment.run()
        deployment.plan_today()
    except (DeploymentRefused, NothingToDeploy, cdk_cli.CdkUnavailableError, ClientError, BotoCoreError) as error:
        sys.stderr.write(f"not deployed: {error}\n")
        return 1
    return 0


def _check_docker() -> None:
    """Before minutes are spent on what needs it. Raises DeploymentRefused."""
    docker = os.environ.get("CDK_DOCKER", "docker")
    if shutil.which(docker) is None:
        raise DeploymentRefused(
            f"{docker} builds the images and is not there: install it, or name another by CDK_DOCKER"
        )


def parser() -> argparse.ArgumentParser:
    """What `make deploy ARGS=...` takes."""
    made = argparse.ArgumentParser(prog="make deploy", description="Deploy every stack of one environment.")
    made.add_argument("-c", "--context", action="append", default=[], metavar="KEY=VALUE", help="a setting")
    made.add_argument("--yes", action="store_true", help="do not ask before rights are widened")
    made.add_argument("--force-in-session", action="store_true", help="update while the market trades")
    return made


def _clients() -> Aws:
    session = boto3.session.Session()

    def client(service: str, region: str) -> Any:
        return session.client(service, region_name=region, config=CONFIG)

    return client


if __name__ == "__main__":
    sys.exit(main())
