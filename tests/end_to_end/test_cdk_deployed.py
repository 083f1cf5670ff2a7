"""The platform over stacks that the CDK's command line has deployed, instead of `condvest up` itself."""

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from local_dev.cli.main import main
from local_dev.runtime import platform
from local_dev.runtime.deploy import CREDENTIALS
from local_dev.runtime.emulator_gaps import Clients, close_gaps
from local_dev.runtime.environment import process
from local_dev.runtime.synth import templates
from stacks.deploy import cdk_cli
from tests.effort import everything
from tests.end_to_end.local_platform import free_port
from tests.infrastructure.bootstrapped import bootstrap, have_images
from tests.parity.generate import generate

pytestmark = [
    pytest.mark.platform,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not everything(), reason="make parity: a platform of its own"),
]
DAYS = (date(2013, 3, 8),)


def deploy_by_cdk(client: Clients, assembly: Path, note: Path) -> None:
    """In the place of `deploy_noted`: what bootstrapping leaves, then `cdk deploy --all`."""
    bootstrap(client)
    have_images(client, assembly)
    url = client("cloudformation").meta.endpoint_url
    words = ["deploy", "--all", "--app", str(assembly), "--require-approval", "never", "--method", "direct"]
    environment: Mapping[str, str] = process({**CREDENTIALS, "AWS_ENDPOINT_URL": url, "HOME": str(note.parent)})
    assert cdk_cli.run([*words, "--parameters", "Target=local"], environment) == 0
    for template in templates(assembly):
        close_gaps(client, template.stack, template.body["Resources"])
    note.write_text(assembly.name)


def test_a_feed_goes_through_stacks_that_the_cdk_has_deployed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    generate(tmp_path / "trades", 41, days=DAYS, bursts=5)
    called: list[Path] = []

    def deploy(client: Clients, assembly: Path, note: Path) -> None:
        called.append(assembly)
        deploy_by_cdk(client, assembly, note)

    monkeypatch.setattr(platform, "deploy_noted", deploy)
    words = ["--feed", str(tmp_path / "trades"), "--speed", "max", "--state", str(tmp_path / "state"), "--once"]
    assert main(["up", *words, "--port", str(free_port()), "--no-nightly"]) == 0
    printed = capfd.readouterr()
    assert len(called) == 1
    assert "condvest-dev-speed" in printed.err + printed.out
    lost = re.search(r"lost\W+([\d,]+)", printed.out)
    assert lost
    assert lost[1] == "0"
