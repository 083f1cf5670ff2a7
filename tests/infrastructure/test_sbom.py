"""The document of each upload: of the published schema, of what is really in it, and the same every time."""

import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from stacks.constructs.base_image import Base
from stacks.constructs.bundle import BUNDLES, IMAGES
from stacks.constructs.zips import zipped
from stacks.sbom import bundle_document, image_document, locked
from stacks.synth import SBOM
from tests.infrastructure.test_bundles import built

DIGEST = "1f" * 32


@pytest.fixture(scope="module")
def documents(assemblies: Path) -> dict[str, dict[str, Any]]:
    """By the name of the upload, from the assembly that builds what is uploaded."""
    for name in BUNDLES:
        built(name)
    folder = assemblies / "real" / SBOM
    return {file.name.removesuffix(".cdx.json"): json.loads(file.read_text()) for file in folder.iterdir()}


def packages(document: dict[str, Any]) -> set[tuple[str, str]]:
    """(name, version) of what was installed from the package index."""
    found = [one for one in document["components"] if one.get("purl", "").startswith("pkg:pypi/")]
    return {(_plain(one["name"]), one["version"]) for one in found}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_there_is_one_for_each_upload(documents: dict[str, dict[str, Any]]) -> None:
    assert documents.keys() == BUNDLES.keys() | IMAGES.keys()


@pytest.mark.parametrize("name", ["api", "batch"])
def test_it_is_of_the_published_schema(documents: dict[str, dict[str, Any]], name: str) -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(json.dumps(documents[name])) is None
    wrong = {**documents[name], "components": [{"type": "program", "name": "x"}]}
    assert validator.validate_str(json.dumps(wrong)) is not None


@pytest.mark.parametrize("name", BUNDLES)
def test_it_names_what_is_in_the_bundle_and_nothing_else(documents: dict[str, dict[str, Any]], name: str) -> None:
    """As the wheels themselves say, in the folders they leave."""
    left = [folder.name.removesuffix(".dist-info").split("-") for folder in built(name).glob("*.dist-info")]
    assert packages(documents[name]) == {(_plain(package), version) for package, version in left}


def test_a_bundle_is_the_one_that_its_document_is_of(documents: dict[str, dict[str, Any]], assemblies: Path) -> None:
    uploads = {hashlib.sha256(file.read_bytes()).hexdigest() for file in (assemblies / "real").glob("asset.*.zip")}
    told = {documents[name]["metadata"]["component"]["hashes"][0]["content"] for name in BUNDLES}
    assert told <= uploads
    assert len(told) == len(BUNDLES)


def test_each_package_has_the_hashes_that_the_lock_admits(documents: dict[str, dict[str, Any]]) -> None:
    for document in documents.values():
        for one in document["components"]:
            if "purl" in one:
                (files,) = one["externalReferences"]
                assert files["hashes"]
                assert {held["alg"] for held in files["hashes"]} == {"SHA-256"}


def test_an_image_names_the_one_it_is_built_from() -> None:
    document = json.loads(image_document("ingest", Base("here/python", "3.13", f"sha256:{DIGEST}")))
    (from_registry,) = [one for one in document["components"] if one["type"] == "container"]
    assert (from_registry["name"], from_registry["version"]) == ("here/python", "3.13")
    assert from_registry["hashes"] == [{"alg": "SHA-256", "content": DIGEST}]
    names = {name for name, _ in packages(document)}
    assert {"boto3", "msgspec", "websockets"} <= names
    assert "async-timeout" not in names, "for an older Python than the image has"


def test_the_same_upload_has_the_same_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, later = built("notify"), tmp_path / "elsewhere" / built("notify").name
    shutil.copytree(folder, later)
    for path in later.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o700)
    first = zipped(folder)
    monkeypatch.setattr("stacks.constructs.zips.BUILD", tmp_path)
    second = zipped(later)
    assert first != second
    assert first.read_bytes() == second.read_bytes()
    assert bundle_document("notify", first) == bundle_document("notify", second)


def test_another_upload_has_another_serial_number() -> None:
    serials = {json.loads(image_document(name, Base("here", "1", "")))["serialNumber"] for name in IMAGES}
    assert len(serials) == len(IMAGES)


@pytest.mark.parametrize(
    ("lock", "why"),
    [
        ("msgspec==0.22.0\n", "an entry without hashes"),
        (f"msgspec>=0.22 \\\n    --hash=sha256:{DIGEST}\n", "expected one version of msgspec, found >=0.22"),
        (f"msgspec==0.22.* \\\n    --hash=sha256:{DIGEST}\n", "expected one version of msgspec"),
    ],
)
def test_what_a_lock_does_not_pin_is_refused(tmp_path: Path, lock: str, why: str) -> None:
    file = tmp_path / "any.txt"
    file.write_text(lock)
    with pytest.raises(ValueError, match=re.escape(why)):
        list(locked(file))


def test_a_package_for_another_platform_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "any.txt"
    hashes = f" \\\n    --hash=sha256:{DIGEST}\n    # via us\n"
    file.write_text(
        f"one==1 ; sys_platform == 'win32'{hashes}two==2 ; python_version >= '3.13'{hashes}three==3{hashes}"
    )
    assert [(one.name, one.version) for one in locked(file)] == [("two", "2"), ("three", "3")]
