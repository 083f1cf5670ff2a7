"""Requests that are refused. The texts are fixed: what a client sent is never repeated to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.errors import PermanentError


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer other than 200: HTTP code, the text for the client, Polygon's `status`, further headers."""

    code: int
    text: str
    status: str = "ERROR"
    headers: Mapping[str, str] = field(default_factory=dict)


UNKNOWN_KEY = Refusal(401, "Unknown API Key", headers={"WWW-Authenticate": "Bearer"})
NOT_ENTITLED = Refusal(403, "You are not entitled to this data.", "NOT_AUTHORIZED")
NOT_FOUND = Refusal(404, "The requested resource was not found.", "NOT_FOUND")
TICKER_NOT_FOUND = Refusal(404, "Ticker not found.", "NOT_FOUND")
NO_DATA = Refusal(404, "Data not found.", "NOT_FOUND")
WRONG_METHOD = Refusal(405, "This resource only answers GET.", headers={"Allow": "GET"})
FAILED = Refusal(500, "The request could not be answered.")
UNAVAILABLE = Refusal(503, "The service is busy, please try again.", headers={"Retry-After": "1"})
DATABASE_AWAY = Refusal(503, "History is not available right now, please try again.", headers={"Retry-After": "20"})
"""A database that was paused takes 15 to 30 s to come back."""


class Refused(PermanentError):
    """A request that gets a refusal instead of what it asked for."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


class BadRequest(Refused):
    """400: a parameter breaks a rule; the text says which."""

    def __init__(self, text: str) -> None:
        super().__init__(Refusal(400, text))
