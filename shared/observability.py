"""Structured logs: one JSON object a line, an allow-list of fields, never a record's content or a secret.

Whoever is handed a secret tells it here (`conceal`), and whatever has the shape of one is left out unasked: our keys,
keys in a query, bearer tokens, what a socket says of itself, and what signs an address.
"""

import json
import logging
import os
import re
import sys
from typing import Any

HIDDEN = "***"
_SHORTEST = 8
"""Characters of a secret; anything shorter would hide words."""
_SHAPES = tuple(
    re.compile(rf"({before})[\w.%+/=~-]+", re.IGNORECASE)
    for before in (
        "cv_[0-9a-f]{12}_",
        "(?:api_?key|token|password|X-Amz-Signature|X-Amz-Security-Token)=",
        "Bearer ",
        r"action\W{1,8}auth\W{1,12}params\W{1,8}",
    )
)
"""What stands before a secret; it stays."""
_concealed: set[str] = set()


def conceal(secret: str) -> None:
    """Never write this value, from now on and in this process."""
    if len(secret) >= _SHORTEST:
        _concealed.add(json.dumps(secret)[1:-1])


def _without_secrets(line: str) -> str:
    for secret in sorted(_concealed, key=len, reverse=True):  # one may begin another
        line = line.replace(secret, HIDDEN)
    for shape in _SHAPES:
        line = shape.sub(rf"\1{HIDDEN}", line)
    return line


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "level": record.levelname,
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _without_secrets(json.dumps(line, default=str))


def logger(name: str) -> logging.Logger:
    """The logger of one component; its level is LOG_LEVEL (default INFO)."""
    log = logging.getLogger(name)
    if not log.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(_JsonFormatter())
        log.addHandler(handler)
        log.propagate = False
        log.setLevel(os.environ.get("LOG_LEVEL", "INFO"))
    return log


def event(log: logging.Logger, level: int, message: str, **fields: Any) -> None:
    """One log line with fields beside its message."""
    log.log(level, message, extra={"fields": fields})
