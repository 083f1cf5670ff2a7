"""Wrong input to the command line: one sentence that says what is wrong, and exit code 2."""

import socket
from pathlib import Path

import pytest

from tests.end_to_end.local_platform import free_port, run_to_end, running
from tests.parity.generate import generate

pytestmark = [pytest.mark.platform, pytest.mark.timeout(120)]


def refusal(*arguments: str) -> str:
    """What the command says when it refuses: exactly one sentence on one line, nothing else."""
    done = run_to_end("up", *arguments, timeout_s=60)
    assert done.returncode == 2, done
    said = (done.stdout + done.stderr).strip()
    assert "\n" not in said, said
    assert "Traceback" not in said
    return said


def options(folder: Path, feed: Path | str, port: int | None = None) -> list[str]:
    return ["--feed", str(feed), "--speed", "max", "--state", str(folder / "state"), "--port", str(port or free_port())]


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    assert str(tmp_path / "nothing") in refusal(*options(tmp_path, tmp_path / "nothing"), "--once")
    assert not (tmp_path / "state").exists()


def test_a_folder_without_trades(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert str(tmp_path / "empty") in refusal(*options(tmp_path, tmp_path / "empty"), "--once")


def test_a_port_in_use(tmp_path: Path) -> None:
    generate(tmp_path / "trades", 1, days=[], symbols=[])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        assert str(port) in refusal(*options(tmp_path, "none", port))


@pytest.mark.parametrize("speed", ["0", "-1", "fast", "1e9"])
def test_a_speed_out_of_range(tmp_path: Path, speed: str) -> None:
    assert "speed" in refusal("--feed", "none", "--speed", speed, "--state", str(tmp_path / "state")).lower()


def test_a_state_folder_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "thesis.txt").write_text("years of work")
    for more in ([], ["--fresh"]):
        assert str(state) in refusal(*options(tmp_path, "none"), *more)
    assert (state / "thesis.txt").read_text() == "years of work"


def test_a_state_folder_of_another_source(tmp_path: Path) -> None:
    day = generate(tmp_path / "day", 1, bursts=1)
    other = tmp_path / "other"
    other.mkdir()
    (other / day.files[0].name).write_bytes(day.files[0].read_bytes())
    with running(tmp_path / "state", feed=other) as platform:
        platform.wait_until_ended(within_s=60)
        platform.stop()
    said = refusal(*options(tmp_path, tmp_path / "day"))
    assert "--fresh" in said
