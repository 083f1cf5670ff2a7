import pytest

from local_dev.runtime.gateway.routing import Router
from tests.unit.local_dev.runtime_servers.gateway.conftest import route


def matched(method: str, path: str, *paths: str) -> tuple[str, dict[str, str]] | None:
    routes = [route(*(entry.split(" ") if " " in entry else ("GET", entry))) for entry in paths]
    match = Router(routes).match(method, path)
    return (match.route.path, dict(match.parameters)) if match else None


def test_a_literal_part_wins_over_a_parameter_and_a_parameter_over_a_greedy_one() -> None:
    paths = ("/{proxy+}", "/v2/{ticker}", "/v2/list")
    assert matched("GET", "/v2/list", *paths) == ("/v2/list", {})
    assert matched("GET", "/v2/SPY", *paths) == ("/v2/{ticker}", {"ticker": "SPY"})
    assert matched("GET", "/v2/SPY/x", *paths) == ("/{proxy+}", {"proxy": "v2/SPY/x"})


def test_a_literal_part_early_in_the_path_wins_over_one_late() -> None:
    assert matched("GET", "/a/b", "/{x}/b", "/a/{y}") == ("/a/{y}", {"y": "b"})


def test_parameters_are_handed_on_percent_encoded() -> None:
    assert matched("GET", "/t/X%3ABTC%2FUSD", "/t/{ticker}") == ("/t/{ticker}", {"ticker": "X%3ABTC%2FUSD"})


def test_a_greedy_parameter_takes_one_part_or_more_but_not_none() -> None:
    assert matched("GET", "/files/a", "/files/{rest+}") == ("/files/{rest+}", {"rest": "a"})
    assert matched("GET", "/files", "/files/{rest+}") is None


@pytest.mark.parametrize("path", ["/v2", "/v2/SPY/x", "/V2/SPY", "/v2//", "//v2/SPY/x"])
def test_a_path_that_fits_no_resource_is_not_found(path: str) -> None:
    assert matched("GET", path, "/v2/{ticker}") is None


def test_a_slash_at_the_end_makes_no_difference() -> None:
    assert matched("GET", "/v1/health/", "/v1/health") == ("/v1/health", {})


def test_a_method_of_its_own_wins_over_any() -> None:
    assert matched("GET", "/a", "ANY /a", "GET /a") == ("/a", {})
    assert Router([route("ANY", "/a", "f"), route("GET", "/a", "g")]).match("GET", "/a").route.function == "g"  # type: ignore[union-attr]  # it matches
    assert Router([route("ANY", "/a", "f"), route("GET", "/a", "g")]).match("PUT", "/a").route.function == "f"  # type: ignore[union-attr]  # it matches


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST"])
def test_a_method_the_resource_does_not_have_is_not_found_even_head_beside_get(method: str) -> None:
    assert matched(method, "/a", "GET /a") is None
