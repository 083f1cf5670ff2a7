"""The Terraform module, as far as one can look without Terraform: read by a parser, compared with the templates."""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import hcl2
import pytest

from stacks.plain.write import write
from stacks.settings import ROOT, Settings
from tests.infrastructure.templates import Templates

MODULE = ROOT / "stacks" / "terraform"
FILES = sorted(MODULE.glob("*.tf"))
STACK = "aws_cloudformation_stack"


@lru_cache(maxsize=1)
def read() -> dict[str, list[dict[str, Any]]]:
    """Blocks of all files by their kind."""
    blocks: dict[str, list[dict[str, Any]]] = {}
    for path in FILES:
        for kind, found in hcl2.loads(path.read_text()).items():
            blocks.setdefault(kind, []).extend(found)
    return blocks


def stacks() -> dict[str, dict[str, Any]]:
    found = [block for block in read()["resource"] if _bare(next(iter(block))) == STACK]
    return {_bare(name): body for block in found for name, body in block[f'"{STACK}"'].items()}


def _bare(text: str) -> str:
    return text.strip('"')


def waits_for(name: str) -> set[str]:
    """Stacks that must be there before one, through others too."""
    bodies, found = stacks(), set()
    waiting = [name]
    while waiting:
        for after in bodies[waiting.pop()].get("depends_on", ()):
            kind, _, stack = after.removeprefix("${").removesuffix("}").partition(".")
            if kind == STACK and stack not in found:
                found.add(stack)
                waiting.append(stack)
    return found


@pytest.mark.parametrize("profile", ["with_push", "full"])
def test_the_module_has_every_stack_and_each_waits_for_those_it_takes_from(
    profile: str, assemblies: Path, tmp_path: Path
) -> None:
    manifest = write(assemblies / profile, tmp_path / "out", Settings())
    for stack in manifest["stacks"]:
        name = stack["stack"].removeprefix("condvest-dev-")
        wanted = {one.removeprefix("condvest-dev-") for one in stack["after"]}
        assert wanted <= waits_for(name), name
        optional = name in {"push", "flink"}
        assert ("count" in stacks()[name]) is (optional or name == "clock")


def test_code_is_uploaded_before_whatever_runs_it(assemblies: Path, tmp_path: Path) -> None:
    manifest = write(assemblies / "full", tmp_path / "out", Settings())
    for stack in manifest["stacks"]:
        if "AssetBucket" in stack["parameters"]:
            body = stacks()[stack["stack"].removeprefix("condvest-dev-")]
            assert "${aws_s3_object.asset}" in body["depends_on"]


def test_each_resource_is_the_stack_of_its_name() -> None:
    for name, body in stacks().items():
        assert body["template_body"] == f'${{local.stacks["{name}"].body}}'
        assert body["name"] == f'${{local.stacks["{name}"].stack}}'
        assert body["capabilities"] == ['"CAPABILITY_NAMED_IAM"']
        assert body.get("provider") == ("${aws.us_east_1}" if name == "edge" else None)


def test_its_outputs_are_outputs_of_the_stacks(assemblies: Path) -> None:
    bodies = Templates.of(assemblies / "full").bodies
    values = [body["value"] for block in read()["output"] for body in block.values()]
    found = [re.fullmatch(rf'\${{{STACK}\.(\w+)\.outputs\["(\w+)"\]}}', value) for value in values]
    assert len(found) >= 3
    for match in found:
        assert match
        assert match[2] in bodies[match[1].title()]["Outputs"]


def test_its_variables_are_those_it_reads_and_those_the_readme_gives() -> None:
    declared = {_bare(name) for block in read()["variable"] for name in block}
    used = set(re.findall(r"\bvar\.(\w+)", "".join(path.read_text() for path in FILES)))
    (example,) = re.findall(r"```hcl\n(.*?)```", (MODULE / "README.md").read_text(), re.DOTALL)
    module = hcl2.loads(example)["module"][0]['"condvest"']
    given = set(module) - {"source", "providers", "__is_block__"}
    assert declared == used == given


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_is_formatted(path: Path) -> None:
    assert list(misplaced(path.read_text())) == []


def test_what_is_not_formatted_is_found() -> None:
    text = (MODULE / "main.tf").read_text()
    for good, bad in (("  capabilities  =", "  capabilities ="), ("\n  count", "\n    count"), ("]\n}\n", "]\n }\n")):
        assert good in text
        assert list(misplaced(text.replace(good, bad, 1)))


def misplaced(text: str) -> Iterator[str]:
    """Lines that `terraform fmt` would change: two spaces a level, neighbouring equals signs in one column."""
    depth, neighbour = 0, 0
    for line in text.splitlines():
        depth -= line.lstrip()[:1] in {"}", "]", ")"}
        column = len(found[1]) if (found := re.match(r"(\s*[\w.]+ *)= .*[^\s({\[]$", line)) else 0
        indented = not line or len(line) - len(line.lstrip()) == 2 * depth
        aligned = not (neighbour and column) or column == neighbour
        if not (indented and aligned and line == line.rstrip()):
            yield line
        neighbour = column
        depth += sum(map(line.count, "({[")) > sum(map(line.count, ")}]"))


def test_the_readme_says_what_was_not_done() -> None:
    assert "**Not applied.**" in (MODULE / "README.md").read_text()
    assert json.dumps(sorted(path.name for path in FILES)) == '["main.tf", "outputs.tf", "variables.tf", "versions.tf"]'
