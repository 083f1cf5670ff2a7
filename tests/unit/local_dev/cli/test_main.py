from pathlib import Path

import pytest

from local_dev.cli.main import main
from local_dev.runtime.state import Source, open_state


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line a refused command says."""
    assert main(list(arguments)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.endswith("\n")
    assert said.err.count("\n") == 1
    return said.err


def test_no_command_or_an_unknown_one_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert "COMMAND" in refusal(capsys)
    assert "launch" in refusal(capsys, "launch")
    assert "--sped" in refusal(capsys, "up", "--sped", "3")


@pytest.mark.parametrize("speed", ["0", "-1", "0.05", "1001", "fast", "nan", "inf"])
def test_a_speed_out_of_range_is_one_sentence(capsys: pytest.CaptureFixture[str], speed: str, tmp_path: Path) -> None:
    assert "speed" in refusal(capsys, "up", f"--speed={speed}", "--state", str(tmp_path / "state"))
    assert not (tmp_path / "state").exists()


def test_an_engine_that_is_none_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert "python and flink" in refusal(capsys, "up", "--bar-engine", "spark")


def test_what_does_not_go_together_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert "never ends" in refusal(capsys, "up", "--once")
    assert "never ends" in refusal(capsys, "up", "--feed", "polygon", "--once")
    assert "--speed max" in refusal(capsys, "up", "--feed", "sim", "--speed", "max")
    assert "--speed 2" in refusal(capsys, "up", "--feed", "polygon", "--speed", "2")
    assert "no XYZ" in refusal(capsys, "up", "--symbols", "SPY,XYZ")
    assert "--feed none" in refusal(capsys, "up", "--feed", "none", "--hold-until-subscriber")


def test_a_path_without_trades_is_one_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert str(tmp_path / "no") in refusal(capsys, "up", "--feed", str(tmp_path / "no"))
    assert str(tmp_path) in refusal(capsys, "vendor", "--data", str(tmp_path))


def test_a_foreign_state_folder_is_one_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("")
    for command in (["up", "--port", "0"], ["clean"], ["query", "SPY"]):
        assert str(tmp_path) in refusal(capsys, *command, "--state", str(tmp_path))
    assert (tmp_path / "thesis.txt").exists()


def test_clean_shows_what_it_removes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    state = tmp_path / "state"
    open_state(state, Source("/feed"), fresh=False).close()
    (state / "emulator").mkdir()
    (state / "emulator" / "object").write_bytes(bytes(3_000_000))
    assert main(["clean", "--state", str(state)]) == 0
    said = capsys.readouterr().out
    assert f"3.0 MB  {state / 'emulator'}" in said
    assert f"removed {state}" in said
    assert not state.exists()


def test_clean_leaves_a_folder_in_use_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    state = open_state(tmp_path / "state", Source("/feed"), fresh=False)
    assert main(["clean", "--state", str(state.path)]) == 2
    assert "in use" in capsys.readouterr().err
    assert state.path.exists()
    state.close()


def test_clean_without_anything_to_clean_says_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["clean", "--state", str(tmp_path / "state")]) == 0
    assert capsys.readouterr().out == "nothing to remove\n"


def test_doctor_finds_this_machine_fit_but_for_a_foreign_state_folder(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    main(["doctor", "--state", str(tmp_path / "state")])
    fit = capsys.readouterr().out
    assert "ok  packages" in fit
    assert "ok  Valkey" in fit
    assert "ok  state" in fit
    (tmp_path / "thesis.txt").write_text("")
    assert main(["doctor", "--state", str(tmp_path)]) == 1
    assert "!!  state" in capsys.readouterr().out


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert [name for name in ("up", "query", "vendor", "doctor", "clean") if f"    {name} " not in said] == []
