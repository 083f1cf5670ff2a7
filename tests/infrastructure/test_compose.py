"""The compose file is one, and opens nothing to the network."""

import re
from typing import Any

import pytest

from stacks.settings import ROOT
from tests.tools.schemas import document_of, violations

FILE = ROOT / "local_dev" / "docker-compose.yml"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = document_of(FILE.read_text())["services"]
    return found


def test_it_is_what_the_schema_of_compose_files_asks_for() -> None:
    assert violations("compose-spec", FILE.read_text()) == []
    assert violations("compose-spec", FILE.read_text().replace("healthcheck:", "healthchecks:"))


def test_nothing_listens_beyond_the_loopback(services: dict[str, Any]) -> None:
    assert set(services) == {"timescaledb", "valkey", "aws"}
    for name, service in services.items():
        assert service["ports"], name
        assert all(port.startswith("127.0.0.1:") for port in service["ports"]), name


def test_images_have_versions_and_no_password_stands_in_the_file(services: dict[str, Any]) -> None:
    for service in services.values():
        assert re.search(r":\d+\.\d+\.\d+", service["image"])
    assert services["timescaledb"]["environment"]["POSTGRES_PASSWORD"] == "${POSTGRES_PASSWORD:?choose one}"


def test_the_emulator_is_the_one_that_tests_run_on(services: dict[str, Any]) -> None:
    (version,) = re.findall(r'"ministack==([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    assert services["aws"]["image"].endswith(f":{version}")


def test_timescaledb_stands_on_the_same_postgresql_as_ours(services: dict[str, Any]) -> None:
    assert services["timescaledb"]["image"].endswith("-pg16")
