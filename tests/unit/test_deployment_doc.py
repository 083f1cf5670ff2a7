"""docs/deployment.md: its commands are ones that exist, its settings are ones that are taken, its workflow is sound."""

import json
import re
import shlex
import subprocess

import jmespath
import pytest

from serving_layer.auth.origin import KEPT_S, STAGES
from stacks.deploy.__main__ import parser
from stacks.settings import ROOT, Settings, context_of
from tests.tools.aws_commands import commands, wrong
from tests.tools.schemas import document_of, violations

DOCUMENT = (ROOT / "docs/deployment.md").read_text()
SHELL = re.findall(r"```sh\n(.*?)```", DOCUMENT, re.DOTALL)
(WORKFLOW,) = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)
TRUST, RIGHTS = (json.loads(text) for text in re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL))
KEYS = "\n".join(re.findall(r"```sh\n(.*?)```", (ROOT / "docs/keys.md").read_text(), re.DOTALL))
SCRIPT = (ROOT / "stacks/plain/deploy.sh").read_text()
WORKFLOW_READ = document_of(WORKFLOW)
CDK_COMMANDS = {"bootstrap", "deploy", "diff", "destroy"}


@pytest.mark.parametrize("block", [*SHELL, KEYS])
def test_what_is_shown_of_a_shell_is_one(block: str) -> None:
    done = subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True, timeout=20, check=False)  # noqa: S607
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("text", "least"), [("\n".join(SHELL), 15), (KEYS, 5), (SCRIPT, 6)])
def test_each_command_of_aws_is_known_with_its_options(text: str, least: int) -> None:
    found = list(commands(text))
    assert len(found) >= least
    assert {shlex.join(words): bad for words in found if (bad := wrong(words))} == {}


def test_a_command_that_does_not_exist_would_be_found() -> None:
    assert wrong(["batch", "submit-jobs"]) == ["batch submit-jobs"]
    assert wrong(["batch", "submit-job", "--job-queu", "x", "--parameters", "a=b"]) == ["job-queu"]
    assert [words[:2] for words in commands('X=$(aws sts get-caller-identity --query "A|B") && aws s3 rm x | cat')] == [
        ["sts", "get-caller-identity"],
        ["s3", "rm"],
    ]


def test_a_variable_that_is_used_is_set_before_or_is_the_readers_to_fill_in() -> None:
    text = "\n".join(SHELL)
    used = {name: text.index(f"${name}") for name in re.findall(r"\$(\w+)", text)}
    assert {"KEY", "URL", "JOB", "QUEUE"} <= used.keys()
    unset = {name for name, place in used.items() if not re.search(rf"^(export )?{name}=", text[:place], re.MULTILINE)}
    assert unset == {"OLDER", "CLUSTER", "TABLE", "BUCKET", "SECRET"}


def test_a_secret_that_was_seen_is_no_longer_the_one_before() -> None:
    """What is looked for is asked of an answer as Secrets Manager gives it; its id is what the stage is taken from."""
    asked, done = list(commands(KEYS))[-2:]
    versions = [("new", ["AWSCURRENT"]), ("seen", ["AWSPREVIOUS"]), ("other", ["mine"])]
    told = {"Versions": [{"VersionId": id_, "VersionStages": stages} for id_, stages in versions]}
    assert jmespath.search(asked[asked.index("--query") + 1], told) == ["seen"]
    assert done[:2] == ["secretsmanager", "update-secret-version-stage"]
    given = dict(zip(done[2::2], done[3::2], strict=True))
    assert given == {"--secret-id": "$arn", "--version-stage": STAGES[1], "--remove-from-version-id": "$seen"}
    assert "seen=$(aws secretsmanager list-secret-version-ids" in KEYS
    assert KEPT_S <= 300, "the five minutes of the document"


def test_make_deploy_takes_what_is_shown() -> None:
    shown = re.findall(r'make deploy ARGS="([^"]+)"', DOCUMENT)
    assert len(shown) >= 5
    shown += re.findall(r'make (?:synth|templates) ARGS="([^"]+)"', DOCUMENT)
    for arguments in shown:
        options = parser().parse_args(shlex.split(arguments))
        Settings.from_context(context_of(options.context))


def test_settings_that_are_shown_alone_are_settings() -> None:
    shown = set(re.findall(r"-c (\w+)=([^\s`\",]+(?:,[^\s`\",]+)*)", DOCUMENT))
    assert {"environment", "region", "symbols", "alarm_email", "push"} <= {name for name, _ in shown}
    for name, value in shown:
        Settings.from_context({name: value})


def test_the_cdk_is_asked_for_what_it_has() -> None:
    shown = re.findall(r'make cdk ARGS="(\S+)', DOCUMENT)
    assert set(shown) == CDK_COMMANDS


def test_the_workflow_is_what_the_schema_of_workflows_asks_for() -> None:
    assert violations("github-workflows", WORKFLOW) == []
    assert violations("github-workflows", WORKFLOW.replace("runs-on:", "runs:"))


def test_the_workflow_runs_nothing_that_could_change_under_it() -> None:
    (job,) = WORKFLOW_READ["jobs"].values()
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert len(used) == 4
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action)


def test_the_workflow_has_no_key_and_only_the_rights_it_takes() -> None:
    whole, (job,) = WORKFLOW_READ, WORKFLOW_READ["jobs"].values()
    assert whole["permissions"] == {}
    assert job["permissions"] == {"contents": "read", "id-token": "write"}
    assert "secrets." not in WORKFLOW
    assert set(whole["on"]) == {"workflow_dispatch"}
    assert job["environment"] == "production"


def test_the_role_is_lent_to_one_environment_of_one_repository() -> None:
    (statement,) = TRUST["Statement"]
    condition = statement["Condition"]
    assert set(condition) == {"StringEquals"}
    named = {name.rpartition(":")[2]: value for name, value in condition["StringEquals"].items()}
    assert named == {"aud": "sts.amazonaws.com", "sub": "repo:OWNER/condvest:environment:production"}


def test_its_rights_name_no_action_and_no_resource_by_a_star_alone() -> None:
    for statement in RIGHTS["Statement"]:
        actions, targets = statement["Action"], statement["Resource"]
        assert "*" not in f"{actions}"
        for target in [targets] if isinstance(targets, str) else targets:
            assert re.search(r"condvest-prod-|cdk-hnb659fds-|cdk-bootstrap|VendorKey", target)
