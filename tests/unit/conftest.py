"""Properties are judged by what they find, not by how busy the machine is."""

from importlib import import_module
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.effort import examples

settings.register_profile(
    "unhurried",
    deadline=None,
    max_examples=examples(100),
    suppress_health_check=[HealthCheck.too_slow],  # it measures time, and tests share their machine
)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def talib() -> Any:
    """What indicators are compared with. Importing it brings polars, so only those tests do."""
    return import_module("talib")
