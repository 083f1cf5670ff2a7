"""`aws ...` commands in a text, looked up in botocore's models of the services."""

import re
import shlex
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import botocore.session
from botocore import xform_name

GLOBAL = {"region", "output", "query", "profile", "max-items"}
OWN = {
    ("s3", "mb"),
    ("s3", "rm"),
    ("s3", "cp"),
    ("s3", "sync"),
    ("cloudformation", "deploy"),
    ("ecr", "get-login-password"),
    ("logs", "tail"),
    ("sso", "login"),
}
"""Commands of the tool itself, which no model has."""
_COMMAND = re.compile(r"(?<![\w-])aws ((?:[^\n;|&()`'\"]|\\\n|'[^']*'|\"[^\"]*\")+)")


def commands(text: str) -> Iterator[list[str]]:
    """Words after `aws`, of every command in shell text."""
    for found in _COMMAND.findall(text.replace("\\\n", " ")):
        yield shlex.split(found, comments=True)


def wrong(words: list[str]) -> list[str]:
    """What of a command no model knows: service, operation, options."""
    service, operation, *rest = words
    service = service.removesuffix("api")  # s3api: what the model of s3 has
    if (service, operation) in OWN:
        return []
    known = _options(service, operation)
    if known is None:
        return [f"{service} {operation}"]
    options = {word.removeprefix("--").partition("=")[0] for word in rest if word.startswith("--")}
    negated = {f"no-{name}" for name in known}
    return sorted(options - known - negated - GLOBAL)


def _options(service: str, operation: str) -> frozenset[str] | None:
    model = _model(service)
    name = next((n for n in model.operation_names if xform_name(n, "-") == operation), "") if model else ""
    if not name:
        return None
    shape = model.operation_model(name).input_shape
    return frozenset(xform_name(member, "-") for member in shape.members) if shape else frozenset()


@lru_cache
def _model(service: str) -> Any:
    """Of botocore; None for a service that it does not know."""
    session = _session()
    return session.get_service_model(service) if service in session.get_available_services() else None


@lru_cache
def _session() -> Any:
    return botocore.session.get_session()
