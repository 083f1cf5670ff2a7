"""What tests of several parts of the local runtime need."""

import pytest

from local_dev.runtime.servers import free_port


@pytest.fixture
def proxy_to_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a machine whose way out is a proxy, which does not answer."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
