"""Which resource a path belongs to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from local_dev.runtime.deployment import Route


@dataclass(frozen=True)
class Match:
    """`parameters` as API Gateway hands them on: still percent-encoded, a greedy one with its slashes."""

    route: Route
    parameters: Mapping[str, str]


class Router:
    """Per path part a literal wins over {name}, {name} over {name+}; a resource's own method wins over ANY."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._resources: dict[str, dict[str, Route]] = {}
        for route in routes:
            self._resources.setdefault(route.path, {})[route.method] = route
        self._ordered = sorted(self._resources, key=_precedence)

    def match(self, method: str, path: str) -> Match | None:
        """None: no resource, or none with this method; API Gateway does not tell the two apart.

        A slash at the end makes no difference. HEAD and OPTIONS are methods like any other.
        """
        for resource in self._ordered:
            parameters = _fit(resource, path)
            if parameters is not None:
                methods = self._resources[resource]
                route = methods.get(method) or methods.get("ANY")
                return Match(route, parameters) if route else None
        return None


def _parts(path: str) -> list[str]:
    return path.strip("/").split("/")


def _precedence(resource: str) -> list[tuple[int, str]]:
    return [(2 if part.endswith("+}") else 1 if part.startswith("{") else 0, part) for part in _parts(resource)]


def _fit(resource: str, path: str) -> dict[str, str] | None:
    wanted, given = _parts(resource), _parts(path)
    if wanted[-1].endswith("+}") and len(given) >= len(wanted):
        given = [*given[: len(wanted) - 1], "/".join(given[len(wanted) - 1 :])]
    if len(wanted) != len(given):
        return None
    parameters = {}
    for name, value in zip(wanted, given, strict=True):
        if name.startswith("{"):
            if not value:
                return None
            parameters[name.strip("{}+")] = value
        elif name != value:
            return None
    return parameters
