from pathlib import Path

import pytest

from local_dev.cli import vendor_key as home
from local_dev.cli.errors import WrongInput
from local_dev.cli.vendor_hosts import DEFAULT, VendorHosts, vendor_hosts
from local_dev.cli.vendor_key import find_key, vendor_key


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The nearer file first; neither is there yet."""
    found = (tmp_path / "here.env", tmp_path / "above.env")
    monkeypatch.setattr(home, "FILES", found)
    return found


def test_the_environment_comes_before_the_file_here_and_that_before_the_one_above(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    files[1].write_text("POLYGON_API_KEY=above\n")
    assert vendor_key() == "above"
    files[0].write_text("# ours\nMASSIVE_API_KEY=here\n")
    assert vendor_key() == "here"
    monkeypatch.setenv("MASSIVE_API_KEY", "environment")
    assert vendor_key() == "environment"
    monkeypatch.setenv("POLYGON_API_KEY", "older name")
    with pytest.raises(WrongInput, match="POLYGON_API_KEY from the environment cannot be a key"):
        vendor_key()


@pytest.mark.parametrize(
    "line",
    [
        "POLYGON_API_KEY=abc_123",
        "export POLYGON_API_KEY=abc_123",
        "  POLYGON_API_KEY = abc_123  ",
        "POLYGON_API_KEY='abc_123'",
        'POLYGON_API_KEY="abc_123" # mine',
        "POLYGON_API_KEY=abc_123 # mine",
        "POLYGON_API_KEY=\nMASSIVE_API_KEY=abc_123",
    ],
)
def test_a_file_is_read_as_a_shell_would(files: tuple[Path, Path], line: str) -> None:
    files[0].write_text(f"OTHER=1\nno assignment\n{line}\n")
    assert vendor_key() == "abc_123"


def test_a_line_that_is_a_comment_sets_nothing(files: tuple[Path, Path]) -> None:
    files[0].write_text("#POLYGON_API_KEY=abc\n")
    assert find_key() is None


def test_without_a_key_the_sentence_says_where_to_put_one_and_what_needs_none() -> None:
    with pytest.raises(WrongInput, match=r"POLYGON_API_KEY in the environment, .env or ../.env; .* --feed sim"):
        vendor_key()


def test_a_key_is_not_in_the_text_of_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASSIVE_API_KEY", "abc_123")
    found = find_key()
    assert str(found) == "MASSIVE_API_KEY from the environment"
    assert "abc_123" not in f"{found!r}{found}"


def test_a_file_that_cannot_be_read_is_named(files: tuple[Path, Path]) -> None:
    files[0].write_bytes(b"\xff\xfe")
    with pytest.raises(WrongInput, match=r"here\.env cannot be read"):
        find_key()


def test_hosts_are_the_vendors_unless_told_otherwise(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    assert vendor_hosts() == DEFAULT
    files[0].write_text("POLYGON_DELAYED_SOCKET_URL=wss://delayed-business.polygon.io/stocks\n")
    monkeypatch.setenv("POLYGON_SOCKET_URL", "ws://127.0.0.1:9/stocks")
    monkeypatch.setenv("POLYGON_REST_URL", "http://localhost:9/")
    assert vendor_hosts() == VendorHosts(
        "ws://127.0.0.1:9/stocks", "wss://delayed-business.polygon.io/stocks", "http://localhost:9"
    )


@pytest.mark.parametrize("url", ["ws://socket.polygon.io/stocks", "socket.polygon.io", "https://socket.polygon.io"])
def test_a_stream_that_would_send_the_key_in_clear_text_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYGON_SOCKET_URL", url)
    with pytest.raises(WrongInput, match="POLYGON_SOCKET_URL must start with wss://"):
        vendor_hosts()
