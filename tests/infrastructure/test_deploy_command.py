"""`make deploy`, `make templates` and the program of cdk.json refuse what should not be deployed."""

import json
import os
import re
import shutil
import subprocess
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from shared.bars.windows import NEW_YORK
from stacks import synth
from stacks.constructs.base_image import LOCK, Base
from stacks.constructs.wheels import IndexUnreachableError
from stacks.deploy import __main__ as deploy
from stacks.deploy import cdk_cli
from stacks.deploy import synthesis as to_deploy
from stacks.deploy.steps import Deployment, DeploymentRefused
from stacks.plain import __main__ as plain
from stacks.settings import CLI_VERSION, ROOT, Settings, feature_flags
from tests.effort import everything

SESSION = datetime(2026, 11, 25, 12, 0, tzinfo=NEW_YORK)


def unreachable(_out: Path, *, stub_assets: bool, **_: object) -> list[Path]:
    assert not stub_assets, "stubs were taken"
    raise IndexUnreachableError("no network")


def not_to_be_called(*_: object, **__: object) -> Any:
    raise AssertionError("it went on")


@pytest.fixture(autouse=True)
def _docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")


@pytest.mark.parametrize("command", [deploy.main, plain.main])
def test_a_wrong_setting_is_told_before_anything_is_done(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["-c", "shards=two"]) == 2
    assert capsys.readouterr().err == "shards must be a whole number, was 'two'\n"


@pytest.mark.parametrize("command", [deploy.main, plain.main])
def test_a_setting_without_a_value_is_told(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["-c", "push"]) == 2
    assert capsys.readouterr().err == "a setting is given as KEY=VALUE, was 'push'\n"


def test_settings_may_stand_in_cdk_json_and_words_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(to_deploy, "feature_flags", lambda: {"environment": "prod", "symbols": "SPY", "@aws/x": True})
    context, settings = to_deploy.settings_of(["symbols=QQQ"])
    assert context == {"symbols": "QQQ"}
    assert (settings.environment, settings.symbols) == ("prod", ("QQQ",))


def test_without_docker_nothing_is_begun(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setenv("CDK_DOCKER", "finch")
    monkeypatch.setattr(deploy, "synthesise_real", not_to_be_called)
    assert deploy.main([]) == 1
    assert "finch builds the images and is not there" in capsys.readouterr().err


def test_an_account_that_cannot_be_asked_is_told_before_synthesis(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setattr(deploy, "synthesise_real", not_to_be_called)
    assert deploy.main([]) == 1
    assert capsys.readouterr().err == "not deployed: Unable to locate credentials\n"


@pytest.mark.parametrize(("words", "refused"), [([], True), (["--force-in-session"], False)])
def test_only_force_deploys_in_a_session(
    words: list[str], refused: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done: list[str] = []
    monkeypatch.setattr("time.time", SESSION.timestamp)
    monkeypatch.setattr("stacks.deploy.steps.outputs", lambda *_: {})
    monkeypatch.setattr("stacks.deploy.steps.bootstrap_version", lambda _: 30)
    monkeypatch.setattr(deploy, "_clients", lambda: lambda *_: None)
    monkeypatch.setattr(deploy, "synthesise_real", lambda *_: done.append("synthesised"))
    monkeypatch.setattr(Deployment, "run", lambda _: done.append("deployed"))
    monkeypatch.setattr(Deployment, "plan_today", lambda _: done.append("planned"))
    assert deploy.main(words) == (1 if refused else 0)
    assert done == ([] if refused else ["synthesised", "deployed", "planned"])
    assert ("the market is open" in capsys.readouterr().err) is refused


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"made": ["2026-11-25-ingester-start"]}, "session clock, today: 2026-11-25-ingester-start"),
        ({"made": []}, "session clock, today: nothing more to start or stop"),
    ],
)
def test_the_rest_of_the_day_is_planned_at_the_end(answer: dict[str, Any], said: str, tmp_path: Path) -> None:
    deployment, told = _deployed(tmp_path, {"Payload": BytesIO(json.dumps(answer).encode())})
    deployment.plan_today()
    assert told == [said]


def test_a_clock_that_cannot_plan_is_told(tmp_path: Path) -> None:
    failed = {"FunctionError": "Unhandled", "Payload": BytesIO(b'{"errorMessage": "no such group"}')}
    deployment, told = _deployed(tmp_path, failed)
    with pytest.raises(DeploymentRefused, match=r"all is deployed, but the session clock .*no such group"):
        deployment.plan_today()
    assert told == []


def _deployed(tmp_path: Path, answer: dict[str, Any]) -> tuple[Deployment, list[str]]:
    """A deployment whose planner gives this answer, and what it says."""
    stack = {"StackStatus": "CREATE_COMPLETE", "Outputs": [{"OutputKey": "PlannerName", "OutputValue": "planner"}]}
    told: list[str] = []
    cloudformation, functions = Mock(), Mock()
    cloudformation.describe_stacks.side_effect = lambda StackName: {  # noqa: N803 - AWS's name
        "Stacks": [stack] if StackName == "condvest-dev-clock" else []
    }
    functions.invoke.side_effect = lambda FunctionName: answer if FunctionName == "planner" else None  # noqa: N803
    aws = {"cloudformation": cloudformation, "lambda": functions}
    deployment = Deployment(
        assembly=tmp_path, settings=Settings(), aws=lambda service, _: aws[service], cdk=lambda _: 0, say=told.append
    )
    return deployment, told


@pytest.fixture
def digested(monkeypatch: pytest.MonkeyPatch) -> None:
    """The base image has been locked."""
    monkeypatch.setattr(to_deploy, "base", lambda: Base("here/python", "3.13", f"sha256:{'0' * 64}"))


def test_images_of_any_base_are_not_deployed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(to_deploy, "base", lambda: Base("here/python", "3.13", ""))
    monkeypatch.setattr(to_deploy, "synthesise", not_to_be_called)
    with pytest.raises(to_deploy.NothingToDeploy, match=r"here/python:3\.13 has no digest: run `make lock-image`"):
        to_deploy.synthesise_real(tmp_path, {})


@pytest.mark.usefixtures("digested")
def test_what_cannot_be_built_is_not_deployed_as_stubs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(to_deploy, "synthesise", unreachable)
    with pytest.raises(to_deploy.NothingToDeploy, match="neither cached nor to be had"):
        to_deploy.synthesise_real(tmp_path, {})


@pytest.mark.usefixtures("digested")
def test_what_a_check_refuses_is_not_deployed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refusing(*_: object, **__: object) -> list[Path]:
        raise RuntimeError("Validation failed")

    monkeypatch.setattr(to_deploy, "synthesise", refusing)
    with pytest.raises(to_deploy.NothingToDeploy, match="synthesis refused: Validation failed"):
        to_deploy.synthesise_real(tmp_path, {})


def test_under_the_cdks_command_line_nothing_falls_back_to_stubs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _as_the_cdk_calls_it(monkeypatch, tmp_path, region="us-east-1")
    monkeypatch.setattr(synth, "synthesise", unreachable)
    assert synth.main() == 1
    assert "no network" in capsys.readouterr().err


def test_under_the_cdks_command_line_both_regions_are_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _as_the_cdk_calls_it(monkeypatch, tmp_path, region="eu-west-1")
    monkeypatch.setattr(synth, "synthesise", not_to_be_called)
    assert synth.main() == 1
    assert "the region is eu-west-1 by AWS_REGION or the profile, and us-east-1 by -c region" in capsys.readouterr().err


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """This source tree, with a digest of the base image whether or not there is one yet."""
    copy = tmp_path / "tree"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "cdk.out", "tests", "docs", "__pycache__"))
    for name in (".venv", ".build"):
        (copy / name).symlink_to(ROOT / name)
    lock = copy / LOCK.relative_to(ROOT)
    lock.write_text(json.dumps({**json.loads(lock.read_text()), "digest": f"sha256:{'0' * 64}"}))
    return copy


def test_cdk_json_names_the_program_and_its_settings_are_those_of_the_command_line(tmp_path: Path, tree: Path) -> None:
    words = ["ls", "-c", "environment=prod", "-c", "push=on", "--output", str(tmp_path / "out")]
    environment = {**os.environ, **cdk_cli.QUIET, "AWS_REGION": "us-east-1", "HOME": str(tmp_path), "PYTHONPATH": ""}
    done = subprocess.run(  # noqa: S603 - a tool of this environment
        cdk_cli.command(*words), cwd=tree, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    names = {line.split()[0] for line in done.stdout.splitlines() if "condvest-prod-" in line}
    assert {"Storage", "Push", "Edge"} <= names


def test_the_command_line_is_locked_by_its_hash_and_by_no_address() -> None:
    lock = (cdk_cli.LOCK / "package-lock.json").read_text()
    wanted = json.loads((cdk_cli.LOCK / "package.json").read_text())["dependencies"]
    packages = json.loads(lock)["packages"]
    assert wanted == packages.pop("")["dependencies"] == {"aws-cdk": "2.1148.1"}
    assert {name: package["version"] for name, package in packages.items()} == {"node_modules/aws-cdk": "2.1148.1"}
    assert all(re.fullmatch(r"sha512-[\w+/]{86}==", package["integrity"]) for package in packages.values())
    assert not re.search(r"resolved|https?:|scripts", lock)


@pytest.mark.skipif(not everything(), reason="make parity: the package is fetched anew")
def test_a_package_other_than_the_locked_one_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("package.json", "package-lock.json"):
        text = (cdk_cli.LOCK / name).read_text()
        (tmp_path / name).write_text(text.replace("sha512-K3d", "sha512-AAA"))
    monkeypatch.setattr(cdk_cli, "LOCK", tmp_path)
    monkeypatch.setattr(cdk_cli, "BUILD", tmp_path / "build")
    monkeypatch.setenv("NPM_CONFIG_CACHE", str(tmp_path / "cache"))
    with pytest.raises(cdk_cli.CdkUnavailableError, match="EINTEGRITY"):
        cdk_cli.install()
    assert not list((tmp_path / "build" / "cdk-cli").iterdir())


def test_the_command_line_adds_nothing_that_makes_a_template_too_large() -> None:
    """Paths and assets in the metadata of each resource: a quarter of a template."""
    settings = json.loads((ROOT / "cdk.json").read_text())
    assert (settings["pathMetadata"], settings["assetMetadata"]) == (False, False)


def test_nothing_is_told_to_anybody() -> None:
    settings = json.loads((ROOT / "cdk.json").read_text())
    assert (settings["versionReporting"], settings["notices"]) == (False, False)
    assert feature_flags()["cli-telemetry"] is False
    assert cdk_cli.command("ls")[-2:] == ["--no-version-reporting", "--no-notices"]
    assert cdk_cli.QUIET["CDK_DISABLE_CLI_TELEMETRY"] == "true"


def _as_the_cdk_calls_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, region: str) -> None:
    monkeypatch.setenv(CLI_VERSION, "2.1148.1")
    monkeypatch.setenv(synth.CLI_REGION, region)
    monkeypatch.setenv(synth.CLI_CONTEXT, '{"push": "on"}')
    monkeypatch.setenv("CDK_OUTDIR", str(tmp_path / "out"))
    monkeypatch.setattr("sys.argv", ["synth"])
