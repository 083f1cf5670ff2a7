"""What the templates upload: a bundle per function and an image per task, or stubs where nothing is uploaded."""

from __future__ import annotations

import os

from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from stacks.constructs.base_image import BaseImageError, base
from stacks.constructs.bundle import BUNDLES, IMAGES, build, flink_application, image_context, stub
from stacks.constructs.zips import zipped
from stacks.settings import CLI_VERSION


class Assets:
    """Code of the functions and of the tasks.

    With `stubs` the templates differ in asset hashes only: for the local emulator, which uploads nothing,
    and for synthesis before the wheel cache is filled.

    Raises BaseImageError where something is about to be deployed and its images have no digest to be built from.
    """

    def __init__(self, *, stubs: bool) -> None:
        self.stubs = stubs
        if not stubs and not base().digest and CLI_VERSION in os.environ:
            raise BaseImageError(base().without_digest)

    def handler(self, name: str) -> str:
        """The handler of function `name`, as Lambda wants it."""
        return f"{BUNDLES[name].module}.lambda_handler"

    def code(self, name: str) -> lambda_.Code:
        """The zip of function `name`."""
        return lambda_.Code.from_asset(str(stub(name) if self.stubs else zipped(build(name))))

    def command(self, name: str) -> list[str]:
        """What the container of image `name` runs."""
        return ["python", "-m", IMAGES[name].package]

    def image(self, scope: Construct, name: str) -> ecs.ContainerImage:
        """The image `name`: synthesis lays out what Docker builds when assets are published."""
        image = ecr_assets.DockerImageAsset(
            scope,
            "Image",
            directory=str(stub(name) if self.stubs else image_context(name)),
            file=IMAGES[name].dockerfile,
            platform=ecr_assets.Platform.LINUX_ARM64,
            build_args={"PYTHON_IMAGE": base().reference},
        )
        return ecs.ContainerImage.from_docker_image_asset(image)

    def flink(self, scope: Construct) -> s3_assets.Asset:
        """The zip of the Flink application."""
        return s3_assets.Asset(scope, "Code", path=str(stub("flink") if self.stubs else zipped(flink_application())))
