"""The templates of both profiles by the pinned command line of the CDK into an emulator, as `make deploy` does it.

`make test` deploys `lean`; `make parity` both, and the emulator is bootstrapped by the command line too. Images are in
its registry beforehand, so that nothing is built.
"""

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from local_dev.runtime.deploy import ACCOUNT, CREDENTIALS, REGION, clients
from local_dev.runtime.emulator_gaps import Clients
from local_dev.runtime.environment import process
from local_dev.runtime.processes import Supervisor
from local_dev.runtime.readback import read_deployment
from local_dev.runtime.servers import start_emulator
from shared.bars.sessions import new_york_sessions
from shared.bars.windows import NEW_YORK
from shared.clients.stacks import outputs, vendor_secret
from stacks.deploy import cdk_cli
from stacks.deploy.page import upload
from stacks.deploy.steps import Deployment, DeploymentRefused
from stacks.settings import ROOT, Settings
from stacks.synth import templates
from tests.effort import at_most, everything
from tests.infrastructure.bootstrapped import ASSET_BUCKET, bootstrap, have_images

DOCUMENT = ROOT / "docs/deployment.md"
KEY = "made-up-vendor-key"
ACTIONS = {"ListObjectsV2": "ListBucket"}
"""Operations that IAM has another name for."""
EMULATED = ("--require-approval", "never", "--parameters", "Target=local", "--method", "direct")
"""Without change sets, for each of which the command line waits some seconds."""
SESSION = datetime(2026, 11, 25, 12, 0, tzinfo=NEW_YORK)
HOLIDAY = datetime(2026, 11, 26, 12, 0, tzinfo=NEW_YORK)


@dataclass
class Deployed:
    deployment: Deployment
    client: Clients
    calls: list[list[str]]
    said: list[str]
    asked: set[str]
    refusals: list[str] = field(default_factory=list)
    stacks_without_key: set[str] = field(default_factory=set)

    @property
    def assembly(self) -> Path:
        return self.deployment.assembly


@pytest.fixture(scope="module")
def emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], tuple[str, Path]]]:
    """Starts an emulator and says where it is and which folder it may use."""
    supervisor = Supervisor(tmp_path_factory.mktemp("logs"))

    def start(name: str) -> tuple[str, Path]:
        home = tmp_path_factory.mktemp(name)
        return start_emulator(supervisor, home).url, home

    yield start
    supervisor.stop()


@pytest.fixture(scope="module")
def lean(assemblies: Path, emulators: Callable[[str], tuple[str, Path]]) -> Deployed:
    """Not bootstrapped at first, then without a key, which stops after storage; then with one."""
    url, home = emulators("lean")
    found = _undeployed(url, assemblies / "with_push", home)
    found.refusals.append(_refusal(found))
    if everything():
        assert cdk_cli.run(["bootstrap", f"aws://{ACCOUNT}/{REGION}"], _environment(url, home)) == 0
    else:
        bootstrap(found.client)
    have_images(found.client, found.assembly)
    found.refusals.append(_refusal(found))
    found.stacks_without_key = set(_statuses(found.client))
    found.deployment = replace(found.deployment, vendor_key=KEY)
    found.deployment.run()
    return found


@pytest.fixture(scope="module")
def full(assemblies: Path, emulators: Callable[[str], tuple[str, Path]]) -> Deployed:
    """At once: what bootstrapping leaves behind is there."""
    url, home = emulators("full")
    found = _undeployed(url, assemblies / "full", home)
    bootstrap(found.client)
    have_images(found.client, found.assembly)
    found.deployment = replace(found.deployment, vendor_key=KEY)
    found.deployment.run()
    return found


@pytest.fixture(params=at_most(["lean", "full"], ["lean"]))
def deployed(request: pytest.FixtureRequest) -> Deployed:
    found: Deployed = request.getfixturevalue(request.param)
    return found


def _environment(url: str, home: Path) -> dict[str, str]:
    return process({**CREDENTIALS, "AWS_ENDPOINT_URL": url, "HOME": str(home)})


def _undeployed(url: str, assembly: Path, home: Path) -> Deployed:
    calls: list[list[str]] = []
    said: list[str] = []
    client, ours = clients(url), clients(url)
    asked: set[str] = set()

    def aws(service: str, _region: str) -> Any:
        made = ours(service)
        made.meta.events.register(
            "before-parameter-build", lambda model, **_: asked.add(f"{service}:{ACTIONS.get(model.name, model.name)}")
        )
        return made

    def cdk(words: Sequence[str]) -> int:
        calls.append(list(words))
        return cdk_cli.run([*words, *EMULATED], _environment(url, home))

    deployment = Deployment(
        assembly=assembly,
        settings=Settings(),
        aws=aws,
        cdk=cdk,
        say=said.append,
    )
    return Deployed(deployment, client, calls, said, asked)


def _refusal(found: Deployed) -> str:
    with pytest.raises(DeploymentRefused) as refused:
        found.deployment.run()
    return str(refused.value)


def _statuses(client: Clients) -> dict[str, str]:
    found = client("cloudformation").describe_stacks()["Stacks"]
    return {s["StackName"]: s["StackStatus"] for s in found if s["StackName"].startswith("condvest-")}


def test_every_stack_of_the_assembly_completes(deployed: Deployed) -> None:
    names = {f"condvest-dev-{path.name.split('.')[0].lower()}" for path in templates(deployed.assembly)}
    assert _statuses(deployed.client) == dict.fromkeys(names, "CREATE_COMPLETE")


def test_an_account_that_is_not_bootstrapped_is_told_how(lean: Deployed) -> None:
    assert lean.refusals[0].startswith("us-east-1 is not bootstrapped for the CDK")
    assert lean.refusals[0].endswith('make cdk ARGS="bootstrap aws://ACCOUNT/us-east-1"')


def test_nothing_that_needs_the_vendors_key_is_deployed_before_it(lean: Deployed) -> None:
    secret = vendor_secret(lean.client("cloudformation"), "condvest-dev-storage")
    assert lean.refusals[1].startswith(f"the vendor's key is not set: put it into the secret {secret} ")
    assert lean.stacks_without_key == {"condvest-dev-storage"}
    assert lean.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"] == KEY
    assert [call[1] for call in lean.calls] == ["Storage", "--all"]
    assert KEY not in f"{lean.said}{lean.calls}"


def test_a_key_that_is_there_is_not_replaced(lean: Deployed) -> None:
    replace(lean.deployment, vendor_key="another").give_key()
    secret = vendor_secret(lean.client("cloudformation"), "condvest-dev-storage")
    assert lean.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"] == KEY


def test_every_asset_is_where_the_templates_look_for_it(deployed: Deployed) -> None:
    s3 = deployed.client("s3")
    held = {one["Key"] for one in s3.list_objects_v2(Bucket=ASSET_BUCKET)["Contents"]}
    wanted = {
        destination["objectKey"]
        for manifest in deployed.assembly.glob("*.assets.json")
        for file in json.loads(manifest.read_text())["files"].values()
        for destination in file["destinations"].values()
    }
    assert len(wanted) > 20
    assert wanted <= held


def test_the_platform_finds_in_it_whatever_it_starts_from(deployed: Deployed) -> None:
    found = read_deployment(deployed.client)
    layers = {"speed_layer": 0, "serving_layer": 0, "batch_layer": 0}
    for function in found.functions.values():
        layers[function.module.split(".")[0]] += 1
        assert found.function_of(function.module) is function
    assert all(layers.values())
    assert {found.functions[m.function].module for m in found.mappings} >= {
        "speed_layer.archive.handler",
        "speed_layer.persist.handler",
    }
    assert {"speed_layer.ingest", "batch_layer.nightly"} <= {word for c in found.containers for word in c.command}
    tables = deployed.client("dynamodb").list_tables()["TableNames"]
    assert found.container_of("speed_layer.ingest").environment["CONTROL_TABLE"] in tables
    assert any(route.path == "/v1/health" for route in found.api.routes)


def test_the_profile_decides_what_makes_the_bars(deployed: Deployed) -> None:
    engine = read_deployment(deployed.client).container_of("speed_layer.ingest").environment["BAR_ENGINE"]
    flink = [s for s in _statuses(deployed.client) if s.endswith("-flink")]
    assert (engine, len(flink)) == (("flink", 1) if deployed.assembly.name == "full" else ("python", 0))


def test_the_dashboard_is_uploaded_and_nothing_else_stays(lean: Deployed) -> None:
    s3, edge = lean.client("s3"), outputs(lean.client("cloudformation"), "condvest-dev-edge") or {}
    bucket = edge["PageBucketName"]
    assert _type(s3, bucket, "index.html") == ("text/html", "no-cache")
    assert _type(s3, bucket, "dashboard/main.js") == ("text/javascript", "no-cache")
    assert _type(s3, bucket, "dashboard/theme.css") == ("text/css", "no-cache")
    s3.put_object(Bucket=bucket, Key="dashboard/of-an-older-version.js", Body=b"")
    count = upload(s3, bucket)
    held = {one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert len(held) == count
    assert not held & {"dashboard/of-an-older-version.js", "dashboard/headers.json"}
    assert lean.said[-1] == f"API and dashboard: {edge['Url']}"


def test_the_rights_of_the_documents_workflow_are_those_that_a_deployment_takes(lean: Deployed) -> None:
    """The key is put by hand there; what the command line does, it does by the roles of bootstrapping."""
    texts = re.findall(r"```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    granted: set[str] = set()
    for statement in json.loads(texts[1])["Statement"]:
        found = statement["Action"]
        granted |= {found} if isinstance(found, str) else set(found)
    others = {"sts:AssumeRole", "s3:DeleteObject", "lambda:InvokeFunction"}  # the last for the day's plan
    assert granted == (lean.asked - {"secretsmanager:PutSecretValue"}) | others


def test_an_update_waits_for_the_end_of_the_session(lean: Deployed) -> None:
    sessions, ours = new_york_sessions(), lean.deployment
    with pytest.raises(DeploymentRefused, match=r"the market is open: .* or take the gap with --force-in-session"):
        ours.refuse_in_session(sessions, int(SESSION.timestamp() * 1000))
    with pytest.raises(DeploymentRefused, match="the market is extended hours"):
        ours.refuse_in_session(sessions, int(SESSION.replace(hour=4).timestamp() * 1000))
    with pytest.raises(DeploymentRefused, match="the market is soon open"):
        ours.refuse_in_session(sessions, int(SESSION.replace(hour=3, minute=1).timestamp() * 1000))
    for allowed in (SESSION.replace(hour=2, minute=59), SESSION.replace(hour=20), HOLIDAY):
        ours.refuse_in_session(sessions, int(allowed.timestamp() * 1000))


def test_a_first_deployment_need_not_wait(lean: Deployed) -> None:
    first = replace(lean.deployment, settings=Settings(environment="another"))
    first.refuse_in_session(new_york_sessions(), int(SESSION.timestamp() * 1000))


def test_a_command_line_that_fails_ends_the_deployment(lean: Deployed) -> None:
    with pytest.raises(DeploymentRefused, match="cdk deploy --all ended with 3"):
        replace(lean.deployment, cdk=lambda _words: 3).run()


def _type(s3: Any, bucket: str, key: str) -> tuple[str, str]:
    head = s3.head_object(Bucket=bucket, Key=key)
    return head["ContentType"], head["CacheControl"]


def test_what_the_document_asks_of_the_command_line_is_there(assemblies: Path) -> None:
    """Options by its own help; stacks by the templates."""
    stacks = {file.name.partition(".")[0] for file in templates(assemblies / "with_push")}
    shown = [words.split() for words in re.findall(r'make cdk ARGS="([^"]+)"', DOCUMENT.read_text())]
    assert any({"Edge", "--force"} <= set(words) for words in shown)
    asked = {word for action, *words in shown if action == "deploy" for word in words}
    done = subprocess.run(  # noqa: S603 - the command line that deploys
        cdk_cli.command("deploy", "--help"), capture_output=True, text=True, timeout=60, check=True
    )
    assert {word for word in asked if word.startswith("-")} <= set(re.findall(r"--?[a-z][a-z-]*", done.stdout))
    assert {word for word in asked if word[0].isupper()} <= stacks
