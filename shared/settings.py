"""Typed settings from the environment, read and checked once at start-up.

A layer declares a frozen struct whose fields name the variables (`bars_table` is BARS_TABLE) with unit and default; no
other code reads the environment.
"""

import os
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from shared.errors import PermanentError

S = TypeVar("S", bound=msgspec.Struct)


def read(kind: type[S], environment: Mapping[str, str] | None = None) -> S:
    """The settings of a layer. Raises PermanentError naming the variable that is missing or wrong."""
    environment = os.environ if environment is None else environment
    names = {field.name: field.name.upper() for field in msgspec.structs.fields(kind)}
    values = {name: environment[variable] for name, variable in names.items() if variable in environment}
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise PermanentError(
            f"settings of {kind.__name__} (environment {', '.join(names.values())}): {error}"
        ) from error
