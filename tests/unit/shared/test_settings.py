"""Settings are read once, checked, and named by the variable an operator can set."""

import msgspec
import pytest

from shared.errors import PermanentError
from shared.settings import read


class Settings(msgspec.Struct, frozen=True):
    bars_table: str
    shards: int = 2
    lease_seconds: float = 10.0
    live: bool = True


def test_a_field_is_read_from_the_variable_of_its_name_in_capitals() -> None:
    environment = {"BARS_TABLE": "bars", "SHARDS": "4", "LEASE_SECONDS": "2.5", "LIVE": "0", "UNKNOWN": "1"}
    assert read(Settings, environment) == Settings("bars", 4, 2.5, live=False)


def test_defaults_stand_for_variables_that_are_not_set() -> None:
    assert read(Settings, {"BARS_TABLE": "bars"}) == Settings("bars")


def test_the_process_environment_is_the_default_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BARS_TABLE", "from the process")
    assert read(Settings).bars_table == "from the process"


def test_an_empty_environment_is_not_replaced_by_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BARS_TABLE", "from the process")
    with pytest.raises(PermanentError):
        read(Settings, {})


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(PermanentError, match=r"Settings.*BARS_TABLE.*missing required field `bars_table`"):
        read(Settings, {})


@pytest.mark.parametrize(("variable", "value"), [("SHARDS", "two"), ("LIVE", "maybe"), ("LEASE_SECONDS", "long")])
def test_a_wrong_value_is_refused_by_field_and_not_repeated(variable: str, value: str) -> None:
    with pytest.raises(PermanentError, match=rf"\$\.{variable.lower()}") as caught:
        read(Settings, {"BARS_TABLE": "bars", variable: value})
    assert value not in str(caught.value), "a secret may stand in the wrong variable"
