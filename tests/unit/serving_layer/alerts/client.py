"""The function of alerts over a table in memory."""

import json
from collections.abc import Mapping
from typing import Any

from serving_layer.alerts.handler import build
from serving_layer.alerts.rules import Services
from tests.fakes.alert_rows import AlertRows
from tests.unit.serving_layer.events import AUTHORIZED, HEADERS, Context, proxy_event

NOW_MS = 1_381_260_000_000
JSON = {**HEADERS, "Content-Type": "application/json"}
PRICE = {"ticker": "SPY", "when": {"type": "price", "level": 170.5}}


class AlertsApi:
    """Requests of a key in, answers out."""

    def __init__(self) -> None:
        self.rows = AlertRows()
        self.app = build(lambda: Services(self.rows, lambda: NOW_MS))

    def send(
        self, method: str, url: str, body: Any = None, *, key: str = "0123456789ab", scopes: str = "alerts:write",
        headers: Mapping[str, str] = JSON, query: Mapping[str, list[str]] | None = None,
    ) -> tuple[int, dict[str, Any]]:  # fmt: skip
        """(code, JSON or nothing). A body that is no text is written as JSON."""
        caller = {**AUTHORIZED, "key_id": key, "scopes": scopes}
        event = proxy_event(url, method=method, headers=headers, authorizer=caller)
        event["multiValueQueryStringParameters"] = query or event["multiValueQueryStringParameters"]
        event["body"] = body if isinstance(body, str) or body is None else json.dumps(body)
        answer = self.app.resolve(event, Context())  # type: ignore[arg-type]  # a test's
        return answer["statusCode"], json.loads(answer["body"]) if answer.get("body") else {}

    def add(self, **changes: Any) -> dict[str, Any]:
        code, body = self.send("POST", "/v1/alerts", {**PRICE, **changes})
        assert code == 201, body
        results: dict[str, Any] = body["results"]
        return results
