"""YAML of kinds that have public schemas."""

from typing import Any

import jsonschema
from check_jsonschema.builtin_schemas import get_builtin_schema
from ruamel.yaml import YAML


def document_of(text: str) -> dict[str, Any]:
    """What YAML 1.2 says."""
    found: dict[str, Any] = YAML(typ="safe").load(text)
    return found


def violations(kind: str, text: str) -> list[str]:
    """What the schema `kind` (`compose-spec`, `github-workflows`) has against a document."""
    schema = get_builtin_schema(f"vendor.{kind}")
    validator = jsonschema.validators.validator_for(schema)(schema)
    return [error.message for error in validator.iter_errors(document_of(text))]
