"""`GET /v1/health`: what the platform reads from, what came of it, and which of its parts answer. Needs no key."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from serving_layer.api.market import SIMULATED
from serving_layer.api.replies import reply, request_id
from serving_layer.api.wiring import Services
from shared.stores.control import ingest_state

RULE = "/v1/health"
RULES = (RULE,)
COUNTED = ("frames", "parts", "bars", "late", "duplicates", "quarantined", "gaps_unfilled")
_REASONS = ("quarantined_by_reason", "ignored")


def register(app: APIGatewayRestResolver, wire: Callable[[], Services]) -> None:
    """Put the route on the application."""

    @app.get(RULE)
    def health() -> Response[str | bytes]:
        services, event = wire(), app.current_event
        body = {"status": "OK", "request_id": request_id(event), **report(services)}
        if services.local_key:
            body["local_key"] = services.local_key
        return reply(event, msgspec.json.encode(body))


def report(services: Services) -> dict[str, Any]:
    """Feed, components and counts over all ingester epochs. Raises StoreUnavailable."""
    feed, epochs = services.control.feed(), list(services.control.epochs())
    return {
        "feed": {
            "source": feed.get("source"),
            "simulated": feed.get("source") == SIMULATED,
            "state": feed.get("state", "none"),
            "trades_in": _sum(epochs, "trades_in"),
            "last_trade_ms": max(
                (epoch["last_trade_ms"] for epoch in epochs if epoch.get("last_trade_ms")), default=None
            ),
        },
        "components": {
            "ingest": ingest_state(epochs[-1], services.now_s() * 1000) if epochs else "none",
            "tables": "ok",  # else there would be no answer
            "cache": "ok" if services.cache.is_alive() else "unavailable",
            "database": services.database(),
        },
        "counts": {
            **{name: _sum(epochs, name) for name in COUNTED},
            "signals": services.control.signal_counts().get("stored", 0),
            "lost": feed.get("lost", 0),
        },
        **{name: _sum_by_key(epoch.get(name, {}) for epoch in epochs) for name in _REASONS},
    }


def _sum(epochs: Iterable[Mapping[str, Any]], name: str) -> int:
    return sum(epoch.get(name, 0) for epoch in epochs)


def _sum_by_key(maps: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for counts in maps:
        for key, count in counts.items():
            total[key] = total.get(key, 0) + count
    return total
