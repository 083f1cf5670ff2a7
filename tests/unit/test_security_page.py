"""Every control in docs/security.md names the tests that hold it, and these tests are there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def rows() -> list[list[str]]:
    """Cells of the table of threats."""
    section = PAGE.partition("## Threats")[2].partition("\n## ")[0]
    cells = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return [row for row in cells if row[0].strip() != "threat"]


@cache
def names_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED.findall(PAGE))))
def test_a_test_that_is_named_is_there(file: str, name: str) -> None:
    assert name in names_in(ROOT / "tests" / file)


def test_every_threat_has_a_control_and_a_test_that_holds_it() -> None:
    assert len(rows()) > 25
    for threat, control, held in rows():
        assert len(control) > 10, threat
        assert NAMED.findall(held), threat


def test_rights_and_what_is_kept_are_linked() -> None:
    assert {"(rights.md)", "(kept.md)"} <= set(re.findall(r"\([\w./]+\.md\)", PAGE))
