"""What is uploaded: small, for arm64 only, and nothing that the handler does not reach."""

import ast
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stacks.constructs.bundle import BUNDLES, IMAGES, PRODUCT, build, closure, image_context, stub
from stacks.constructs.wheels import IndexUnreachableError, python_for_bytecode
from stacks.settings import ROOT
from tests.infrastructure.conftest import CANARIES
from tests.infrastructure.templates import Templates

MAX_BYTES = 40 * 2**20
X86 = re.compile(r"x86_64|amd64|i686|win32|darwin|macosx")
ARM_ELF = 0xB7  # e_machine EM_AARCH64


@pytest.fixture(scope="module", params=sorted(BUNDLES))
def bundle(request: pytest.FixtureRequest) -> tuple[str, Path]:
    return request.param, built(request.param)


def built(name: str) -> Path:
    try:
        return build(name)
    except IndexUnreachableError as error:
        pytest.skip(f"wheels are not cached and the package index does not answer ({error})")


def files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def test_a_bundle_is_small(bundle: tuple[str, Path]) -> None:
    name, folder = bundle
    size = sum(path.stat().st_size for path in files(folder))
    assert size < MAX_BYTES, f"{name}: {size / 2**20:.1f} MB"


def test_a_bundle_holds_its_handler(bundle: tuple[str, Path]) -> None:
    name, folder = bundle
    handler = folder.joinpath(*BUNDLES[name].module.split(".")).with_suffix(".py")
    assert "def lambda_handler(" in handler.read_text()


def test_native_code_in_a_bundle_is_for_arm64(bundle: tuple[str, Path]) -> None:
    _, folder = bundle
    native = [path for path in files(folder) if path.suffix in {".so", ".pyd", ".dylib", ".dll"}]
    assert native, "msgspec is compiled"
    for path in native:
        assert "cpython-313-aarch64-linux-gnu" in path.name
        assert int.from_bytes(path.read_bytes()[18:20], "little") == ARM_ELF, path.name
    for path in folder.rglob("WHEEL"):
        tags = [line for line in path.read_text().splitlines() if line.startswith("Tag:")]
        assert not any(X86.search(tag) for tag in tags), path


def test_a_bundle_ships_no_tests_no_local_runtime_and_no_boto3(bundle: tuple[str, Path]) -> None:
    name, folder = bundle
    top = {path.name for path in folder.iterdir()}
    assert not top & {"tests", "local_dev", "stacks", "boto3", "botocore", "bin"}
    layer = BUNDLES[name].module.partition(".")[0]
    assert top & {"batch_layer", "speed_layer", "serving_layer"} == {layer}
    assert not list(folder.glob("*/ingest")) + list(folder.glob("*/push")), "tasks have images of their own"
    assert not top & {"polars", "_polars_runtime_32"}, "Parquet is for jobs"


def test_a_bundle_has_no_hidden_file(bundle: tuple[str, Path]) -> None:
    """Such as .env, where the vendor's key lies on a developer's machine."""
    _, folder = bundle
    assert [path for path in folder.rglob(".*") if path.is_file()] == []


def test_what_is_written_for_aws_holds_nothing_of_the_environment(assemblies: Path) -> None:
    """Of none of the assemblies: templates, manifests, reports, documents, and the zips that are uploaded."""
    secrets = [value.encode() for value in CANARIES.values()]
    read = 0
    for file in files(assemblies):
        contents = _members(file) if file.suffix == ".zip" else [file.read_bytes()]
        assert not any(secret in content for content in contents for secret in secrets), file
        read += 1
    assert read > 300


def _members(file: Path) -> Iterator[bytes]:
    """The files in a zip that are ours, where such a thing could be written down."""
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if name.partition("/")[0] in PRODUCT:
                yield archive.read(name)


def test_every_module_of_ours_in_a_bundle_is_one_the_handler_reaches(bundle: tuple[str, Path]) -> None:
    name, folder = bundle
    ours = {
        path.relative_to(folder)
        for top in ("shared", BUNDLES[name].module.partition(".")[0])
        for path in files(folder / top)
        if path.suffix != ".pyc"
    }
    assert ours == {path.relative_to(ROOT) for path in closure(BUNDLES[name].module)}


def test_a_bundle_has_bytecode_of_the_runtime_where_this_machine_can_make_it(bundle: tuple[str, Path]) -> None:
    _, folder = bundle
    compiled = [path for path in files(folder) if path.suffix == ".pyc"]
    if python_for_bytecode() is None:
        assert not compiled
    else:
        sources = [path for path in files(folder) if path.suffix == ".py"]
        assert len(compiled) == len(sources)
        assert {path.suffixes[-2] for path in compiled} == {".cpython-313"}
        assert str(ROOT).encode() not in b"".join(path.read_bytes() for path in compiled), "paths of this machine"


def test_whatever_a_bundle_imports_is_in_it_or_comes_with_the_runtime(bundle: tuple[str, Path]) -> None:
    name, folder = bundle
    for path in closure(BUNDLES[name].module):
        if path.suffix == ".py":
            missing = {
                top
                for top in imported(path)
                if top not in sys.stdlib_module_names | {"boto3", "botocore", "urllib3"}
                and not (folder / top).is_dir()
                and not (folder / f"{top}.py").is_file()
            }
            assert not missing, f"{path.relative_to(ROOT)} imports {missing}, which locks/ does not give {name}"


def imported(path: Path) -> set[str]:
    """Top-level names a file imports by absolute names."""
    nodes = list(ast.walk(ast.parse(path.read_bytes())))
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    origins = [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    return {name.partition(".")[0] for name in plain + origins}


def test_a_closure_follows_imports_inside_functions_and_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = {
        "shared/__init__.py": "",
        "shared/used.py": "",
        "shared/table.json": "{}",
        "shared/unused/__init__.py": "",
        "speed_layer/__init__.py": "",
        "speed_layer/one/__init__.py": "from . import near\n",
        "speed_layer/one/near.py": "import json, boto3\n",
        "speed_layer/one/handler.py": "def f():\n    from shared import used\n    from ..two import deep\n",
        "speed_layer/two/__init__.py": "",
        "speed_layer/two/deep.py": "",
        "speed_layer/two/other.py": "",
    }
    for name, text in tree.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr("stacks.constructs.bundle.ROOT", tmp_path)
    found = {path.relative_to(tmp_path).as_posix() for path in closure("speed_layer.one.handler")}
    assert found == set(tree) - {"shared/unused/__init__.py", "speed_layer/two/other.py"}


def test_an_unknown_handler_is_refused() -> None:
    with pytest.raises(RuntimeError, match=r"no module speed_layer\.nothing\.handler"):
        closure("speed_layer.nothing.handler")


def test_signals_bring_their_packaged_strategies() -> None:
    assert (built("signals") / "speed_layer" / "signals" / "strategies.json").is_file()


@pytest.mark.parametrize(
    ("name", "layer", "entry", "dockerfile"),
    [
        ("ingest", "speed_layer", "speed_layer/ingest/__main__.py", "speed_layer/ingest/Dockerfile"),
        ("push", "serving_layer", "serving_layer/push/__main__.py", "serving_layer/push/Dockerfile"),
        ("batch", "batch_layer", "batch_layer/nightly/__main__.py", "batch_layer/Dockerfile"),
        ("batch", "batch_layer", "batch_layer/backfill/__main__.py", "batch_layer/Dockerfile"),
    ],
)
def test_an_image_is_built_from_its_entry_point_its_lock_and_its_dockerfile(
    name: str, layer: str, entry: str, dockerfile: str
) -> None:
    folder = image_context(name)
    held = {path.relative_to(folder).as_posix() for path in files(folder)}
    assert {entry, f"locks/{name}.txt", dockerfile} <= held
    assert {path.partition("/")[0] for path in held} == {layer, "shared", "locks"}


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_is_built_from_no_hidden_file(name: str) -> None:
    assert [path for path in image_context(name).rglob(".*") if path.is_file()] == []


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_copies_only_what_its_folder_holds_and_runs_as_nobody(name: str) -> None:
    folder = image_context(name)
    lines = (folder / IMAGES[name].dockerfile).read_text().splitlines()
    copied = [line.split()[1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    assert copied
    assert all((folder / source).exists() for source in copied)
    assert "USER 10001:10001" in lines
    assert any("--require-hashes" in line for line in lines)
    assert f'CMD ["python", "-m", "{IMAGES[name].package}"]' in lines


def test_real_templates_differ_from_stubs_in_asset_hashes_only(templates: Templates, assemblies: Path) -> None:
    """Also shows that synthesis needs no network once the wheels are cached."""
    for name in BUNDLES:
        built(name)
    out = assemblies / "real"
    assert not (out / "stub-assets").exists()
    for stack in templates.bodies:
        stubbed, real = ((f / f"{stack}.template.json").read_text() for f in (templates.folder, out))
        assert re.sub(r"[0-9a-f]{64}", "#", real) == re.sub(r"[0-9a-f]{64}", "#", stubbed)


def test_who_reaches_a_database_on_aws_brings_the_roots_it_is_told_by() -> None:
    for name in ("api", "load", "migrate"):
        assert (built(name) / "shared/stores/certificates/rds.pem").is_file(), name
    assert (image_context("batch") / "shared/stores/certificates/rds.pem").is_file()
    assert not (built("archive") / "shared/stores/certificates").exists()


def test_migrations_are_brought_by_who_applies_them() -> None:
    brought = {path.name for path in (built("migrate") / "shared/stores/schema").glob("*.sql")}
    assert brought == {path.name for path in (ROOT / "shared/stores/schema").glob("*.sql")}
    assert (built("bootstrap") / "shared/stores/schema/0009_roles.sql").is_file()


def test_stubs_are_no_code() -> None:
    folder = stub("archive")
    assert [path.name for path in files(folder)] == ["nothing"]
    assert [path.name for path in files(stub("push"))] == ["Dockerfile"]
