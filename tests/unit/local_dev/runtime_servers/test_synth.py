import json
import textwrap
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

from local_dev.runtime.processes import Supervisor
from local_dev.runtime.synth import KEPT, MADE_FROM, SynthFailed, assembly, key_of, templates

SYNTH = """
    import json, pathlib, sys
    out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
    out.mkdir(exist_ok=True)
    (out / "manifest.json").write_text(json.dumps({"artifacts": {}}))
    with open("runs", "a") as runs:
        runs.write("x")
"""


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path / "logs")
    yield supervisor
    supervisor.stop()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A source tree whose synthesis notes each run."""
    root = tmp_path / "root"
    for name in MADE_FROM:
        file = root / name if Path(name).suffix else root / name / "__init__.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    (root / "stacks" / "synth.py").write_text(textwrap.dedent(SYNTH))
    return root


def test_templates_are_synthesised_only_when_what_they_are_made_from_changes(
    supervisor: Supervisor, root: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    first = assembly(supervisor, root, cache)
    assert assembly(supervisor, root, cache) == first
    assert (root / "runs").read_text() == "x"
    (root / "cdk.json").write_text("{}")
    assert assembly(supervisor, root, cache) != first
    assert (root / "runs").read_text() == "xx"


def test_templates_are_made_from_every_product_module_that_the_stacks_import() -> None:
    graph = grimp.build_graph("stacks", "shared", "batch_layer", "speed_layer", "serving_layer")
    reached = graph.find_upstream_modules("stacks", as_package=True)
    watched = tuple(name.replace("/", ".") for name in MADE_FROM)
    packages = {"batch_layer", "speed_layer", "serving_layer"}  # nothing but a docstring
    assert "shared.stores.schema" in reached
    assert {name for name in reached - packages if not name.startswith(watched)} == set()


def test_a_file_that_moves_changes_the_key(root: Path) -> None:
    (root / "stacks" / "a.py").write_text("1")
    before = key_of(root)
    (root / "stacks" / "a.py").rename(root / "stacks" / "b.py")
    assert key_of(root) != before


def test_bytecode_does_not_change_the_key(root: Path) -> None:
    before = key_of(root)
    (root / "stacks" / "__pycache__").mkdir()
    (root / "stacks" / "__pycache__" / "a.pyc").write_bytes(b"x")
    assert key_of(root) == before


def test_older_templates_are_kept_for_a_while_and_then_dropped(
    supervisor: Supervisor, root: Path, tmp_path: Path
) -> None:
    for number in range(KEPT + 3):
        (root / "cdk.json").write_text(str(number))
        current = assembly(supervisor, root, tmp_path / "cache")
    kept = list((tmp_path / "cache").iterdir())
    assert len(kept) == KEPT + 1
    assert current in kept


def test_a_failed_synthesis_says_why_and_leaves_nothing(supervisor: Supervisor, root: Path, tmp_path: Path) -> None:
    (root / "stacks" / "synth.py").write_text("raise SystemExit('no such construct')")
    with pytest.raises(SynthFailed, match="no such construct"):
        assembly(supervisor, root, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_stack_comes_after_the_stacks_it_depends_on(tmp_path: Path) -> None:
    def stack(name: str, *needs: str) -> dict[str, object]:
        (tmp_path / f"{name}.json").write_text(json.dumps({"Resources": {}, "Description": name}))
        properties = {"templateFile": f"{name}.json", "stackName": f"condvest-{name}"}
        return {"type": "aws:cloudformation:stack", "properties": properties, "dependencies": list(needs)}

    artifacts = {
        "serving": stack("serving", "speed", "storage"),
        "speed": stack("speed", "storage", "speed.assets"),
        "speed.assets": {"type": "cdk:asset-manifest"},
        "storage": stack("storage"),
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    found = templates(tmp_path)
    assert [template.stack for template in found] == ["condvest-storage", "condvest-speed", "condvest-serving"]
    assert found[0].body["Description"] == "storage"
