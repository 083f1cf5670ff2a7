"""What the templates upload: a bundle per function and the ingester's image, or stubs where nothing is uploaded."""

from __future__ import annotations

from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.constructs.bundle import BUNDLES, DOCKERFILE, build, image_context, stub


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
        return lambda_.Code.from_asset(str(stub(name) if self.stubs else build(name)))

    def ingester_image(self, scope: Construct) -> ecs.ContainerImage:
        """The ingester's image: synthesis lays out what Docker builds when assets are published."""
        image = ecr_assets.DockerImageAsset(
            scope,
            "Image",
            directory=str(stub("ingest") if self.stubs else image_context()),
            file=DOCKERFILE,
            platform=ecr_assets.Platform.LINUX_ARM64,
        )
        return ecs.ContainerImage.from_docker_image_asset(image)
