"""Structured logs: one JSON object a line, an allow-list of fields, never a record's content or a secret."""

import json
import logging
import os
import sys
from typing import Any


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
        return json.dumps(line, default=str)


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
