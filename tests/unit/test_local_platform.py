"""What every run of the whole platform is held to by the one that starts it."""

from pathlib import Path

from tests.end_to_end.local_platform import logs_with


def test_a_log_that_holds_a_secret_is_found_wherever_it_lies(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "api.log").write_text('{"message": "GET /v2/last/trade/SPY?apiKey=***"}')
    (tmp_path / "deep" / "auth.log").write_bytes(b"\xff refused canary-0f7c1d9be2a64458")
    assert logs_with("canary-0f7c1d9be2a64458", tmp_path) == ["auth.log"]
    assert logs_with("canary-1", tmp_path) == []
