"""The dashboard's folder behind the front door."""

import json
from pathlib import Path

import pytest

from local_dev.runtime.gateway.pages import Pages
from local_dev.runtime.gateway.responses import Answer
from tests.unit.local_dev.runtime_servers.gateway.conftest import headers_of, request

POLICY = "default-src 'none'; script-src 'self'"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "dashboard"
    (folder / "vendor").mkdir(parents=True)
    (folder / "index.html").write_text("<p>open</p>")
    (folder / "chart.js").write_text("export {}")
    (folder / "vendor" / "charts.mjs").write_text("charts")
    (folder / "__init__.py").write_text("secret")
    (folder / ".env.txt").write_text("secret")
    (folder / "headers.json").write_text(json.dumps({"Content-Security-Policy": POLICY}))
    (tmp_path / "outside.js").write_text("secret")
    (folder / "link.js").symlink_to(tmp_path / "outside.js")
    return folder


def get(folder: Path, path: str, method: str = "GET", **headers: str) -> Answer:
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Pages(folder).handle(request(method, path, headers=pairs))


@pytest.mark.parametrize("path", ["/", "/index.html", "/dashboard/index.html"])
def test_the_page_is_at_the_root(folder: Path, path: str) -> None:
    answer = get(folder, path)
    assert (answer.status, answer.body) == (200, b"<p>open</p>")
    assert headers_of(answer)["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("path", ["/dashboard/chart.js", "/dashboard/vendor/charts.mjs"])
def test_a_script_has_the_type_browsers_insist_on(folder: Path, path: str) -> None:
    answer = get(folder, path)
    assert (answer.status, headers_of(answer)["content-type"]) == (200, "text/javascript; charset=utf-8")


@pytest.mark.parametrize(
    "path",
    [
        "/dashboard/__init__.py",
        "/dashboard/.env.txt",
        "/dashboard/headers.json",
        "/dashboard/../outside.js",
        "/dashboard/..%2foutside.js",
        "/dashboard/%2e%2e/outside.js",
        "/dashboard/link.js",
        "/dashboard//etc/passwd",
        "/dashboard/chart.js%00.html",
        "/dashboard/vendor",
        "/dashboard/",
        "/dashboard/missing.js",
    ],
)
def test_nothing_else_is_given_away(folder: Path, path: str) -> None:
    answer = get(folder, path)
    assert (answer.status, b"secret" in answer.body) == (404, False)


def test_every_answer_has_the_headers_that_the_edge_sends(folder: Path) -> None:
    for path, method, status in (("/", "GET", 200), ("/dashboard/no.js", "GET", 404), ("/", "POST", 405)):
        answer = get(folder, path, method)
        assert (answer.status, headers_of(answer)["content-security-policy"]) == (status, POLICY)


def test_an_unchanged_file_is_not_sent_again_and_a_changed_one_is(folder: Path) -> None:
    first = headers_of(get(folder, "/dashboard/chart.js"))
    assert first["cache-control"] == "no-cache"
    again = get(folder, "/dashboard/chart.js", If_None_Match=f'"other", W/{first["etag"]}')
    assert (again.status, again.body, headers_of(again)["etag"]) == (304, b"", first["etag"])
    (folder / "chart.js").write_text("export const edited = true")
    assert get(folder, "/dashboard/chart.js", If_None_Match=first["etag"]).status == 200


@pytest.mark.parametrize(
    ("path", "ours"),
    [("/", True), ("/index.html", True), ("/dashboard/x", True), ("/dashboardx", False), ("/v1/health", False)],
)
def test_only_the_dashboards_paths_are_taken_from_the_api(folder: Path, path: str, ours: bool) -> None:
    assert Pages(folder).serves(path) is ours
