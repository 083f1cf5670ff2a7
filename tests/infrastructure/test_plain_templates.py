"""`make templates`: plain CloudFormation, complete with what it uploads, and a script that deploys it."""

import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_dev.runtime.deploy import ACCOUNT, REGION, clients
from local_dev.runtime.processes import Supervisor
from local_dev.runtime.readback import read_deployment
from local_dev.runtime.servers import start_emulator
from shared.clients.stacks import VENDOR_KEY
from stacks.constructs.base_image import base
from stacks.constructs.bundle import BUNDLES
from stacks.plain.write import write
from stacks.report import INLINE_BYTES
from stacks.settings import Settings
from stacks.synth import templates
from tests.effort import at_most, everything
from tests.infrastructure.test_bundles import built

BUCKET, REPOSITORY = "my-assets", "my-images"
GIVEN = {"AssetBucket": BUCKET, "ImageRepository": REPOSITORY}
CDK = {"AssetBucket": "assets", "ImageRepository": "container-assets"}
FAKE = """#!/bin/sh
echo "$(basename "$0") $*" >> "$CALLS"
case "$*" in
    *get-caller-identity*) echo 123456789012 ;;
    *describe-stack-resources*) echo the-secret ;;
    *describe-secret*) echo "$STAGES" ;;
    *describe-images*) tag=${*##*imageTag=}; grep -q "buildx.*:${tag%% *} --push" "$CALLS" ;;
esac
"""


@pytest.fixture(scope="module", params=at_most(["with_push", "full"], ["with_push"]))
def pair(
    request: pytest.FixtureRequest, assemblies: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """An assembly and what was written from it."""
    out = tmp_path_factory.mktemp("plain") / request.param
    write(assemblies / request.param, out, Settings())
    return assemblies / request.param, out


@pytest.fixture
def written(pair: tuple[Path, Path]) -> Path:
    return pair[1]


def manifest_of(folder: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return manifest


def test_each_template_is_the_cdks_with_two_names_left_open(pair: tuple[Path, Path]) -> None:
    assembly, out = pair
    originals, manifest = templates(assembly), manifest_of(out)
    assert len(manifest["stacks"]) == len(originals)
    for original, stack in zip(originals, manifest["stacks"], strict=True):
        text = (out / stack["template"]).read_text()
        assert "cdk-hnb659fds" not in text
        body = json.loads(text)
        assert set(body["Parameters"]) == {"Target", *stack["parameters"]}
        for name in stack["parameters"]:
            del body["Parameters"][name]
        assert _named_as_the_cdk_does(body) == json.loads(original.read_text())


def test_each_fits_a_deployment_without_a_bucket(written: Path) -> None:
    for path in (written / "templates").iterdir():
        assert path.stat().st_size < INLINE_BYTES, path.name


def test_the_manifest_lists_what_is_there_and_what_the_templates_ask_for(written: Path) -> None:
    manifest = manifest_of(written)
    texts = "".join((written / stack["template"]).read_text() for stack in manifest["stacks"])
    listed = {one["template"] for one in manifest["stacks"]} | {one["file"] for one in manifest["files"]}
    there = {str(p.relative_to(written)) for name in ("templates", "assets") for p in (written / name).iterdir()}
    assert listed == there
    for one in [*manifest["stacks"], *manifest["files"]]:
        data = (written / one.get("file", one.get("template"))).read_bytes()
        assert (one["bytes"], one["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    keys = set(re.findall(r'"(?:S3Key|FileKey)":"([^"]+)"', texts))
    assert keys == {one["key"] for one in manifest["files"]}
    assert set(re.findall(r"\$\{ImageRepository\}:(\w+)", texts)) == {one["tag"] for one in manifest["images"]}
    for image in manifest["images"]:
        assert (written / image["folder"] / image["dockerfile"]).is_file()
        assert image["platform"] == "linux/arm64"


def test_what_is_really_uploaded_is_all_there(assemblies: Path, tmp_path: Path) -> None:
    """Where bundles are built they are zips already; those of stubs are made here."""
    for name in BUNDLES:
        built(name)
    manifest = write(assemblies / "real", tmp_path / "out", Settings())
    texts = "".join((tmp_path / "out" / stack["template"]).read_text() for stack in manifest["stacks"])
    assert set(re.findall(r'"S3Key":"([^"]+)"', texts)) == {one["key"] for one in manifest["files"]}
    handlers = {f"{bundle.module.replace('.', '/')}.py" for bundle in BUNDLES.values()}
    for one in manifest["files"]:
        with zipfile.ZipFile(tmp_path / "out" / one["file"]) as archive:
            handlers -= set(archive.namelist())
    assert handlers == set()


def test_stacks_come_after_those_they_take_from(written: Path) -> None:
    before: set[str] = set()
    for stack in manifest_of(written)["stacks"]:
        assert set(stack["after"]) <= before
        before.add(stack["stack"])
        assert stack["region"] == "us-east-1"


def test_edge_stays_in_us_east_1_wherever_the_others_go(assemblies: Path, tmp_path: Path) -> None:
    manifest = write(assemblies / "full", tmp_path / "out", Settings(region="eu-west-1"))
    regions = {stack["stack"].rpartition("-")[2]: stack["region"] for stack in manifest["stacks"]}
    assert regions.pop("edge") == "us-east-1"
    assert set(regions.values()) == {"eu-west-1"}


def test_equal_sources_give_equal_bytes(pair: tuple[Path, Path], tmp_path: Path) -> None:
    assert write(pair[0], tmp_path / "again", Settings()) == manifest_of(pair[1])


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("plain-emulator")
    supervisor = Supervisor(home / "logs")
    try:
        yield start_emulator(supervisor, home).url
    finally:
        supervisor.stop()


def test_they_deploy_in_their_order_and_the_platform_finds_its_parts(
    assemblies: Path, url: str, tmp_path: Path
) -> None:
    client = clients(url)
    cloudformation = client("cloudformation")
    manifest = write(assemblies / "with_push", tmp_path / "out", Settings())
    for stack in manifest["stacks"]:
        values = {"Target": "local", **{name: GIVEN[name] for name in stack["parameters"]}}
        cloudformation.create_stack(
            StackName=stack["stack"],
            TemplateBody=(tmp_path / "out" / stack["template"]).read_text(),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        waiter = cloudformation.get_waiter("stack_create_complete")
        waiter.wait(StackName=stack["stack"], WaiterConfig={"Delay": 0.05, "MaxAttempts": 400})
    found = read_deployment(client)
    assert found.container_of("speed_layer.ingest")
    assert found.function_of("serving_layer.api.handler")
    (image,) = [one for one in manifest["images"] if one["folder"] == "images/ingester"]
    images = [
        client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]["containerDefinitions"][0]["image"]
        for arn in client("ecs").list_task_definitions()["taskDefinitionArns"]
    ]
    assert f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}:{image['tag']}" in images


def test_the_script_wants_the_vendors_key_before_anything_that_needs_it(written: Path, tmp_path: Path) -> None:
    done, calls = _run(written, tmp_path, stages="AWSCURRENT")
    assert done.returncode == 1
    assert "Put the vendor's key into the secret the-secret of us-east-1" in done.stderr
    assert [call for call in calls if "cloudformation deploy" in call] == [calls[1]]
    assert "--stack-name condvest-dev-storage" in calls[1]
    assert not [call for call in calls if call.startswith("docker")]
    (asked,) = [call for call in calls if "describe-stack-resources" in call]
    assert f"starts_with(LogicalResourceId, '{VENDOR_KEY}')" in asked, "the edge has a secret there as well"


def test_the_script_deploys_every_stack_in_order_with_the_parameters_it_has(written: Path, tmp_path: Path) -> None:
    done, calls = _run(written, tmp_path, stages="AWSCURRENT AWSPREVIOUS")
    assert (done.returncode, done.stderr) == (0, "")
    manifest = manifest_of(written)
    deploys = [call for call in calls if "cloudformation deploy" in call]
    for stack, call in zip(manifest["stacks"], deploys, strict=True):
        assert f"--template-file {stack['template']} --stack-name {stack['stack']} --region us-east-1" in call
        given = " ".join(f"{name}={GIVEN[name]}" for name in stack["parameters"])
        assert call.endswith(f"--parameter-overrides {given}" if given else "--no-fail-on-empty-changeset")
    builds = [call for call in calls if call.startswith("docker buildx build")]
    for image, call in zip(manifest["images"], builds, strict=True):
        assert f"/{REPOSITORY}:{image['tag']} --push {image['folder']}" in call
        assert f"--platform linux/arm64 --provenance false --file {image['folder']}/{image['dockerfile']}" in call
        assert f"--build-arg PYTHON_IMAGE={base().reference} " in call
    assert calls.index(f"aws s3 sync assets s3://{BUCKET} --region us-east-1") < calls.index(deploys[1])


def test_images_that_are_there_are_not_pushed_again(written: Path, tmp_path: Path) -> None:
    """A repository with tags that stand refuses it."""
    for _ in range(2):
        done, calls = _run(written, tmp_path, stages="AWSCURRENT AWSPREVIOUS")
        assert done.returncode == 0, done.stderr
    builds = [call for call in calls if call.startswith("docker buildx build")]
    assert len(builds) == len(set(builds)) == len(manifest_of(written)["images"])
    assert len([call for call in calls if "cloudformation deploy" in call]) == 2 * len(manifest_of(written)["stacks"])


@pytest.mark.skipif(not everything(), reason="make parity: elsewhere cfn-lint has looked at them with the CDK's names")
def test_cfn_lint_finds_nothing(assemblies: Path, tmp_path: Path) -> None:
    write(assemblies / "full", tmp_path / "out", Settings())
    files = sorted((tmp_path / "out" / "templates").iterdir())
    done = subprocess.run(  # noqa: S603 - a tool of this environment on our own files
        [str(Path(sys.executable).parent / "cfn-lint"), *map(str, files)],
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def _named_as_the_cdk_does(value: Any) -> Any:
    """Parameters replaced by the CDK's names; as text, which is also what the CDK replaces them in."""
    text = json.dumps(value)
    for name, kind in CDK.items():
        full = f"cdk-hnb659fds-{kind}-${{AWS::AccountId}}-${{AWS::Region}}"
        text = text.replace(f'{{"Ref": "{name}"}}', f'{{"Fn::Sub": "{full}"}}').replace(f"${{{name}}}", full)
    return json.loads(text)


def _run(folder: Path, tmp_path: Path, *, stages: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """The script with stand-ins for `aws` and `docker` that note what they are asked."""
    for name in ("aws", "docker"):
        tool = tmp_path / "bin" / name
        tool.parent.mkdir(exist_ok=True)
        tool.write_text(FAKE)
        tool.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path / 'bin'}:{os.defpath}",
        "CALLS": str(tmp_path / "calls"),
        "STAGES": stages,
        "BUCKET": BUCKET,
        "REPOSITORY": REPOSITORY,
    }
    done = subprocess.run(  # noqa: S603 - our own script
        [str(folder / "deploy.sh")], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    return done, (tmp_path / "calls").read_text().splitlines()
