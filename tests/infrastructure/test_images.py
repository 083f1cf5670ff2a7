"""What containers are made of and what they may do: one base by its digest, nobody's rights, nothing to write on."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from stacks.constructs.base_image import Base, BaseImageError, base, digest_now, write_lock
from stacks.constructs.bundle import IMAGES, image_context
from stacks.settings import CLI_VERSION, ROOT
from stacks.synth import STUBS, UNDIGESTED
from tests.infrastructure.templates import Templates

INDEX = b'{"schemaVersion": 2, "manifests": []}'
DIGEST = f"sha256:{hashlib.sha256(INDEX).hexdigest()}"
DOCKERFILES = sorted(image.dockerfile for image in IMAGES.values())


class Registry(BaseHTTPRequestHandler):
    """As the distribution specification has it: a challenge, a token for anybody, an index with its digest."""

    says: ClassVar[str] = DIGEST
    scopes: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        host = f"http://{self.headers['Host']}"
        if self.path.startswith("/token/?"):
            self.scopes.append(self.path)
            self._answer(200, b'{"token": "for anybody"}')
        elif self.headers.get("Authorization") != "Bearer for anybody":
            challenge = f'Bearer realm="{host}/token/",service="here",scope="repository:library/python:pull"'
            self._answer(401, b"{}", ("WWW-Authenticate", challenge))
        elif self.path == "/v2/library/python/manifests/3.13":
            assert "vnd.oci.image.index" in self.headers["Accept"]
            self._answer(200, INDEX, ("Docker-Content-Digest", self.says))
        else:
            self._answer(404, b"{}")

    def _answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the class it is from names it
        """Nothing: pytest has no use for it."""


@pytest.fixture
def registry() -> Iterator[str]:
    """Host and port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_the_digest_of_the_tag_is_written_down(registry: str, tmp_path: Path) -> None:
    lock = tmp_path / "images.json"
    lock.write_text(json.dumps(Base(f"{registry}/library/python", "3.13", "")._asdict()))
    Registry.scopes.clear()
    write_lock(lock, scheme="http")
    assert base(lock).reference == f"{registry}/library/python:3.13@{DIGEST}"
    assert Registry.scopes == ["/token/?service=here&scope=repository%3Alibrary%2Fpython%3Apull"]


def test_what_is_not_what_the_registry_says_is_refused(
    registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Registry, "says", f"sha256:{'0' * 64}")
    lock = tmp_path / "images.json"
    lock.write_text(held := json.dumps(Base(f"{registry}/library/python", "3.13", "")._asdict()))
    with pytest.raises(BaseImageError, match="sent something else than it says"):
        write_lock(lock, scheme="http")
    assert lock.read_text() == held


def test_a_tag_that_is_not_there_and_a_registry_that_is_silent_are_told(registry: str) -> None:
    with pytest.raises(BaseImageError, match=r"/python:3\.99: .* answers 404"):
        digest_now(Base(f"{registry}/library/python", "3.99", ""), scheme="http")
    with pytest.raises(BaseImageError, match="does not answer"):
        digest_now(Base("127.0.0.1:9/library/python", "3.13", ""), scheme="http")


def test_images_are_built_from_the_base_of_the_lock(assemblies: Path) -> None:
    for assets in ("Speed", "Batch", "Push"):
        manifest = json.loads((assemblies / "real" / f"{assets}.assets.json").read_text())
        images = manifest["dockerImages"].values()
        assert images, assets
        for image in images:
            assert image["source"]["dockerBuildArgs"] == {"PYTHON_IMAGE": base().reference}


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_a_dockerfile_without_arguments_builds_from_the_same_tag(dockerfile: str) -> None:
    (default,) = [line for line in (ROOT / dockerfile).read_text().splitlines() if line.startswith("ARG PYTHON_IMAGE=")]
    assert default == f"ARG PYTHON_IMAGE={base().name}:{base().tag}"


def test_an_assembly_says_whether_its_images_have_a_digest(assemblies: Path) -> None:
    real = assemblies / "real"
    assert (real / UNDIGESTED).exists() == (not base().digest)
    assert not (real / STUBS).exists()


def test_what_is_about_to_be_deployed_needs_the_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    from stacks.constructs import assets  # noqa: PLC0415 - starts Node, as the templates do

    monkeypatch.setenv(CLI_VERSION, "2.1148.1")
    monkeypatch.setattr(assets, "base", lambda: Base("here/python", "3.13", ""))
    with pytest.raises(BaseImageError, match=r"here/python:3\.13 has no digest: run `make lock-image`"):
        assets.Assets(stubs=False)
    assets.Assets(stubs=True)
    monkeypatch.setattr(assets, "base", lambda: Base("here/python", "3.13", DIGEST))
    assets.Assets(stubs=False)


@pytest.mark.parametrize(
    ("image", "entry", "answer"),
    [
        ("ingest", "speed_layer.ingest", "missing required field `trades_stream`"),
        ("push", "serving_layer.push", "missing required field `trades_stream`"),
        ("batch", "batch_layer.nightly", "usage: python -m batch_layer.nightly land|rebuild"),
        ("batch", "batch_layer.backfill", "usage: python -m batch_layer.backfill YYYY-MM-DD"),
    ],
)
def test_an_entry_point_starts_from_what_its_image_holds_of_ours(image: str, entry: str, answer: str) -> None:
    """With the folder that Docker is given and nothing else of ours; without settings it says what it needs."""
    folder = image_context(image)
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", entry],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert answer in done.stderr
    assert "Traceback" not in done.stderr


def hadolint(file: Path) -> tuple[int, str]:
    done = subprocess.run(  # noqa: S603 - a tool of this environment on our own files
        [str(Path(sys.executable).parent / "hadolint"), "--no-color", str(file)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_hadolint_finds_nothing_in_a_dockerfile(dockerfile: str) -> None:
    assert hadolint(ROOT / dockerfile) == (0, "")


def test_hadolint_would_find_what_is_not_pinned(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text("FROM python:latest\nRUN pip install msgspec\n")
    code, found = hadolint(file)
    assert code == 1
    assert {"DL3007", "DL3013"} <= {word for line in found.splitlines() for word in line.split()}


@pytest.mark.parametrize("task", ["Ingester", "Push"])
def test_a_task_runs_as_nobody_without_rights_of_the_kernel_on_a_disk_it_cannot_write(
    templates: Templates, task: str
) -> None:
    (container,) = templates.one("AWS::ECS::TaskDefinition", task).properties["ContainerDefinitions"]
    assert container["User"] == "10001"
    assert container["ReadonlyRootFilesystem"] is True
    assert container["LinuxParameters"] == {"Capabilities": {"Drop": ["ALL"]}}
    assert not container.get("Privileged")
    assert not templates.one("AWS::ECS::Service", task).properties.get("EnableExecuteCommand"), "nobody gets a shell"


def test_a_job_runs_as_nobody_on_a_disk_it_cannot_write(templates: Templates) -> None:
    jobs = templates.resources("AWS::Batch::JobDefinition")
    assert len(jobs) == 2
    for job in jobs:
        container = job.properties["ContainerProperties"]
        assert (container["User"], container["ReadonlyRootFilesystem"]) == ("10001", True)
        assert not container.get("Privileged")
