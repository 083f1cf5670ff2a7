"""What is in each upload: a CycloneDX document for every bundle and image, from the lock that it was installed by.

The same upload has the same document, whoever writes it and when: no time, and a serial number made of the rest.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement

from stacks.constructs.base_image import Base, base
from stacks.constructs.bundle import BUNDLES, IMAGES, build
from stacks.constructs.wheels import PYTHON
from stacks.constructs.zips import zipped
from stacks.settings import ROOT, code_version

TARGET = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "aarch64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": f"{PYTHON}.0",
    "python_version": PYTHON,
    "sys_platform": "linux",
}
"""Where the uploads run, as markers of requirements ask for it."""
_ENTRY = re.compile(
    r"^(?P<requirement>[^\s#].*?)(?: \\)?$(?P<hashes>(?:\n\s+--hash=sha256:[0-9a-f]{64}(?: \\)?)+)", re.MULTILINE
)
_SERIALS = uuid.UUID("b0a6a1b4-6b1c-5b61-9d0e-6f0f4f0a8d57")


class Locked(NamedTuple):
    """One release of a package; `hashes` are those of its files, of which the installer takes that for the target."""

    name: str
    version: str
    hashes: tuple[str, ...]


def locked(lock: Path) -> Iterator[Locked]:
    """What the lock installs on the target. Raises ValueError for an entry without hashes or without one version."""
    text = lock.read_text(encoding="utf-8")
    entries = list(_ENTRY.finditer(text))
    if len(entries) != len(re.findall(r"^[^\s#]", text, re.MULTILINE)):
        raise ValueError(f"{lock.name}: an entry without hashes")
    for entry in entries:
        requirement = Requirement(entry["requirement"])
        version = re.fullmatch(r"==([^,*]+)", str(requirement.specifier))
        if version is None:
            raise ValueError(f"{lock.name}: expected one version of {requirement.name}, found {requirement.specifier}")
        if requirement.marker is None or requirement.marker.evaluate(TARGET):
            yield Locked(requirement.name, version[1], tuple(re.findall(r"sha256:(\w+)", entry["hashes"])))


def write(folder: Path) -> None:
    """`<name>.cdx.json` in `folder` for each upload of `stacks.synth`; what is not built yet is built."""
    folder.mkdir(parents=True, exist_ok=True)
    bundles = {name: bundle_document(name, zipped(build(name))) for name in BUNDLES}
    images = {name: image_document(name, base()) for name in IMAGES}
    for name, text in {**bundles, **images}.items():
        (folder / f"{name}.cdx.json").write_text(text, encoding="utf-8")


def bundle_document(name: str, upload: Path) -> str:
    """Of the function `name`, whose zip has the SHA-256 that Lambda reports as CodeSha256 (there in base64)."""
    digest = hashlib.sha256(upload.read_bytes()).hexdigest()
    root = Component(
        name=f"condvest-{name}", version=code_version(), type=ComponentType.APPLICATION, hashes=[_sha256(digest)]
    )
    return _document(root, list(_packages(BUNDLES[name].lock)))


def image_document(name: str, built_from: Base) -> str:
    """Of the image `name`: its own digest is known once it is pushed."""
    root = Component(name=f"condvest-{name}", version=code_version(), type=ComponentType.CONTAINER)
    from_registry = Component(
        name=built_from.name,
        version=built_from.tag,
        type=ComponentType.CONTAINER,
        hashes=[_sha256(built_from.digest.removeprefix("sha256:"))] if built_from.digest else [],
    )
    return _document(root, [from_registry, *_packages(IMAGES[name].lock)])


def _packages(lock: str) -> Iterator[Component]:
    for one in locked(ROOT / "locks" / f"{lock}.txt"):
        purl = PackageURL("pypi", name=one.name, version=one.version)
        files = ExternalReference(  # by its name in the field's terms: whoever installs it chooses the index
            type=ExternalReferenceType.DISTRIBUTION,
            url=XsUri(purl.to_string()),
            hashes=[_sha256(value) for value in one.hashes],
        )
        yield Component(
            name=one.name,
            version=one.version,
            type=ComponentType.LIBRARY,
            purl=purl,
            external_references=[files],
        )


def _document(root: Component, components: list[Component]) -> str:
    for component in (root, *components):
        component.bom_ref.value = f"{component.name}@{component.version}"
    bom = Bom(components=components)
    bom.metadata.component = root
    bom.register_dependency(root, components)
    held = json.loads(JsonV1Dot6(bom).output_as_string())
    del held["metadata"]["timestamp"], held["serialNumber"]
    serial = uuid.uuid5(_SERIALS, json.dumps(held, sort_keys=True))
    return f"{json.dumps({**held, 'serialNumber': f'urn:uuid:{serial}'}, indent=1, sort_keys=True)}\n"


def _sha256(digest: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=digest)
