"""What the deployment's document and script look for among a stack's resources is one of them."""

import re
from pathlib import Path

import jmespath
import pytest

from stacks.settings import ROOT
from tests.infrastructure.templates import Templates
from tests.tools.aws_commands import commands

SCRIPT, DOCUMENT = ROOT / "stacks/plain/deploy.sh", ROOT / "docs/deployment.md"


def queries(file: Path) -> list[tuple[str, str]]:
    """Stack and query of each question to the resources of a stack; a variable of the script's own stands in place."""
    text = file.read_text()
    held = dict(re.findall(r'^(\w+)="(.*)"$', text, re.MULTILINE))
    return [
        (words[words.index("--stack-name") + 1], re.sub(r"\$(\w+)", lambda found: held[found[1]], query))
        for words in commands(text)
        if words[:2] == ["cloudformation", "describe-stack-resources"]
        for query in [words[words.index("--query") + 1]]
    ]


@pytest.mark.parametrize(("file", "count"), [(SCRIPT, 1), (DOCUMENT, 2)], ids=["script", "document"])
def test_what_is_looked_for_is_one_of_them(file: Path, count: int, assemblies: Path) -> None:
    bodies = {stack.lower(): body["Resources"] for stack, body in Templates.of(assemblies / "with_push").bodies.items()}
    found = queries(file)
    assert len(found) == count
    for stack, query in found:
        resources = bodies[stack.removeprefix("condvest-dev-").removeprefix("$")]
        told = [
            {"LogicalResourceId": name, "ResourceType": body["Type"], "PhysicalResourceId": name}
            for name, body in resources.items()
        ]
        assert len(jmespath.search(query, {"StackResources": told})) == 1, query
