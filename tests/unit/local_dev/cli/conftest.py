import pytest

from local_dev.cli import vendor_key

VENDOR_SETTINGS = (
    *vendor_key.KEY_NAMES,
    "POLYGON_SOCKET_URL",
    "POLYGON_DELAYED_SOCKET_URL",
    "POLYGON_REST_URL",
)


@pytest.fixture(autouse=True)
def no_vendor_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key on the machine that runs the tests must not make them talk to the vendor."""
    for name in VENDOR_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(vendor_key, "FILES", ())
