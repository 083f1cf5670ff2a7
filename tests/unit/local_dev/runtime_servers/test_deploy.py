"""Stacks that are there need not be deployed again; what failed half-way must be."""

import json
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from botocore.exceptions import ClientError

from local_dev.runtime.deploy import DeployFailed, deploy_noted, last_deployed


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    folder = tmp_path / "0123abcd"
    folder.mkdir()
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "One.json"}}
    (folder / "manifest.json").write_text(json.dumps({"artifacts": {"One": stack}}))
    (folder / "One.json").write_text(json.dumps({"Resources": {}}))
    return folder


def test_an_assembly_is_noted_once_all_its_stacks_are_there(assembly: Path, tmp_path: Path) -> None:
    note = tmp_path / "deployed"
    assert last_deployed(note) == ""
    client = MagicMock()
    deploy_noted(client, assembly, note)
    assert client("cloudformation").update_stack.call_count == 1
    assert last_deployed(note) == "0123abcd"


def test_a_deployment_that_fails_leaves_no_note_of_the_one_before(assembly: Path, tmp_path: Path) -> None:
    note = tmp_path / "deployed"
    note.write_text("before")
    client = MagicMock()
    refusal = {"Error": {"Code": "ValidationError", "Message": "no"}}
    client("cloudformation").update_stack.side_effect = ClientError(refusal, "UpdateStack")
    with pytest.raises(DeployFailed, match="One was refused"):
        deploy_noted(client, assembly, note)
    assert last_deployed(note) == ""
