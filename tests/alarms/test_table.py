"""The table of alarms: each is driven by a test, and has a section that says what to do, with commands."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.session import get_session

from stacks.alarms import ALARMS, OURS, deployed

ROOT = Path(__file__).parents[2]
RUNBOOKS = (ROOT / "docs/runbooks.md").read_text()
SECTIONS = dict(re.findall(r"^## (\S+)\n\n(.*?)(?=^## |\Z)", RUNBOOKS, re.MULTILINE | re.DOTALL))
OWN_COMMANDS = {("logs", "tail"), ("s3", "ls"), ("s3", "cp")}
"""Of the AWS command line, which are no operation of an API."""
OWN_OPTIONS = {"--output", "--query", "--region"}
SESSION = get_session()


def driven() -> Iterator[str]:
    """Alarms that tests are marked with."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text()
        if "mark.alarm(" in text:
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.alarm":
                    yield from (ast.literal_eval(argument) for argument in node.args)


def commands(text: str) -> list[str]:
    """Lines of the shell in a section, continued ones joined."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def test_every_alarm_on_a_metric_of_ours_is_driven_by_the_code_that_measures() -> None:
    """Those on metrics of AWS are driven in test_of_aws.py, which has its own list."""
    assert set(driven()) == {alarm.name for alarm in ALARMS if alarm.source.namespace == OURS}


def test_every_alarm_has_a_section_that_begins_with_why_it_is_there() -> None:
    assert sorted(SECTIONS) == sorted(alarm.name for alarm in ALARMS)
    for alarm in ALARMS:
        assert SECTIONS[alarm.name].startswith(f"{alarm.why}\n"), alarm.name
        assert "**Look**" in SECTIONS[alarm.name], alarm.name
        assert re.search(r"\*\*(Do|do)\*?\*?", SECTIONS[alarm.name]), alarm.name


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_names_commands_that_there_are(name: str) -> None:
    """Those of make are looked at in tests/unit/test_docs.py."""
    shown = commands(SECTIONS[name])
    assert [line for line in shown if line.startswith(("aws ", "make ", "curl "))], "something to type"
    for line in shown:
        if line.startswith("aws "):
            assert_is_a_command(shlex.split(line))


def test_the_commands_before_the_sections_are_there_too() -> None:
    shown = [line for line in commands(RUNBOOKS.partition("\n## ")[0]) if line.startswith("aws ")]
    assert len(shown) == 2
    for line in shown:
        assert_is_a_command(shlex.split(line))


@pytest.mark.parametrize(
    "wrong", ["aws sqs receive-messages --queue-url x", "aws sqs receive-message --queue x", "aws sqq receive-message"]
)
def test_a_command_that_is_not_there_would_be_found(wrong: str) -> None:
    with pytest.raises(AssertionError):
        assert_is_a_command(shlex.split(wrong))


def assert_is_a_command(words: list[str]) -> None:
    """Service, operation and options of the AWS command line, by the models that it is made of."""
    service, operation = words[1:3]
    if (service, operation) in OWN_COMMANDS:
        return
    assert service in SESSION.get_available_services(), service
    model = SESSION.get_service_model(service)
    operations = {xform_name(known, "-"): known for known in model.operation_names}
    assert operation in operations, operation
    members = model.operation_model(operations[operation]).input_shape.members
    known = {f"--{xform_name(member, '-')}" for member in members} | OWN_OPTIONS
    known |= {f"--no-{option.removeprefix('--')}" for option in known}
    assert {word for word in words if word.startswith("--")} <= known, words


def test_a_deployment_has_the_alarms_of_what_it_deploys() -> None:
    lean = {alarm.name for alarm in deployed(full=False, push=False, us_east_1=True)}
    assert {alarm.name for alarm in deployed(full=True, push=False, us_east_1=True)} - lean == {
        "flink-late-drops", "flink-behind", "flink-checkpoints", "flink-out-of-hours",
    }  # fmt: skip
    assert {alarm.name for alarm in deployed(full=False, push=True, us_east_1=True)} - lean == {"push-unhealthy"}
    assert lean - {alarm.name for alarm in deployed(full=False, push=False, us_east_1=False)} == {"charges"}


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm.name)
def test_an_alarm_can_be_made(alarm: object) -> None:
    """CloudWatch's own limits: names, at most a day looked at, and periods of whole minutes."""
    (one,) = [known for known in ALARMS if known is alarm]
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", one.name)
    assert 1 <= one.points <= one.periods
    assert one.period_s % 60 == 0
    assert one.periods * one.period_s <= 86_400
    assert len(one.why) <= 200
