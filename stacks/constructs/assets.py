"""What the templates upload: a bundle per function and the ingester's image, or stubs where nothing is uploaded."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import IgnoreMode
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.constructs.bundle import BUNDLES, build, stub
from stacks.settings import ROOT

IMAGE_CONTEXT = (
    "shared/**",
    "speed_layer/__init__.py",
    "speed_layer/ingest/**",
    "speed_layer/engine/**",
    "locks/ingest.txt",
)


class Assets:
    """Code of the functions and of the ingester.

    With `stubs` the templates differ in asset hashes only: for the local emulator, which uploads nothing,
    and for synthesis before the wheel cache is filled.
    """

    def __init__(self, *, stubs: bool) -> None:
        self.stubs = stubs

    def handler(self, name: str) -> str:
        """The handler of function `name`, as Lambda wants it."""
        return f"{BUNDLES[name].module}.lambda_handler"

    def code(self, name: str) -> lambda_.Code:
        """The zip of function `name`."""
        path: Path = stub(name) if self.stubs else build(name)
        return lambda_.Code.from_asset(str(path))

    def ingester_image(self, scope: Construct) -> ecs.ContainerImage:
        """The ingester's image, built by Docker when assets are published, never during synthesis."""
        if self.stubs:
            return ecs.ContainerImage.from_docker_image_asset(
                ecr_assets.DockerImageAsset(
                    scope, "Image", directory=str(stub("ingest")), platform=ecr_assets.Platform.LINUX_ARM64
                )
            )
        return ecs.ContainerImage.from_docker_image_asset(
            ecr_assets.DockerImageAsset(
                scope,
                "Image",
                directory=str(ROOT),
                file="speed_layer/ingest/Dockerfile",
                platform=ecr_assets.Platform.LINUX_ARM64,
                ignore_mode=IgnoreMode.DOCKER,
                exclude=["**", *(f"!{path}" for path in IMAGE_CONTEXT), "**/__pycache__"],
            )
        )
