"""What bootstrapping leaves behind in an emulator, as far as the CDK's command line looks for it, without its half
minute; and images as if they had been pushed, so that nothing is built."""

import json
from pathlib import Path

from local_dev.runtime.deploy import ACCOUNT, REGION
from local_dev.runtime.emulator_gaps import Clients
from shared.clients.stacks import BOOTSTRAP

ASSET_BUCKET = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"


def bootstrap(client: Clients) -> None:
    client("ssm").put_parameter(Name=BOOTSTRAP, Value="30", Type="String")
    client("s3").create_bucket(Bucket=ASSET_BUCKET)
    client("ecr").create_repository(repositoryName=f"cdk-hnb659fds-container-assets-{ACCOUNT}-{REGION}")


def have_images(client: Clients, assembly: Path) -> None:
    """Those of an assembly, in the one repository that there is."""
    ecr = client("ecr")
    (repository,) = ecr.describe_repositories()["repositories"]
    for manifest in assembly.glob("*.assets.json"):
        for tag in json.loads(manifest.read_text()).get("dockerImages", {}):
            ecr.put_image(
                repositoryName=repository["repositoryName"],
                imageTag=tag,
                imageManifest=json.dumps({"schemaVersion": 2, "config": tag}),
            )
