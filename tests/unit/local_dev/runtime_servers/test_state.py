import json
import stat
from pathlib import Path

import pytest

from local_dev.runtime.checkpoints import FileCheckpoints
from local_dev.runtime.state import VERSION_FILE, Source, WrongState, check_state, claimed, open_state, write_json

MONDAY, TUESDAY, NONE = Source("/data/monday"), Source("/data/tuesday"), Source("none")


def opened(path: Path, source: Source = MONDAY, *, fresh: bool = False, ended: bool = False) -> None:
    """Open the folder, and leave it as a run does."""
    state = open_state(path, source, fresh=fresh)
    if ended:
        state.remember(ended=True)
    state.close()


def test_a_new_folder_belongs_to_the_first_feed_it_is_used_for(tmp_path: Path) -> None:
    opened(tmp_path / "state")
    opened(tmp_path / "state")
    with pytest.raises(WrongState, match=r"belongs to /data/monday.*--fresh"):
        opened(tmp_path / "state", TUESDAY)


def test_none_fits_any_folder_and_claims_none(tmp_path: Path) -> None:
    opened(tmp_path / "state", NONE)
    opened(tmp_path / "state", MONDAY)
    opened(tmp_path / "state", NONE)
    with pytest.raises(WrongState):
        opened(tmp_path / "state", TUESDAY)


def test_other_symbols_of_the_same_feed_are_another_source(tmp_path: Path) -> None:
    opened(tmp_path / "state")
    with pytest.raises(WrongState, match=r"belongs to symbols \*"):
        opened(tmp_path / "state", Source("/data/monday", "SPY"))


def test_fresh_empties_a_folder_of_ours_whatever_it_belonged_to(tmp_path: Path) -> None:
    opened(tmp_path / "state", ended=True)
    (tmp_path / "state" / "emulator").mkdir()
    (tmp_path / "state" / "emulator" / "object").write_text("x")
    state = open_state(tmp_path / "state", TUESDAY, fresh=True)
    assert (state.record.source, state.record.ended, state.record.key) == (TUESDAY, False, "")
    assert not (tmp_path / "state" / "emulator").exists()
    state.close()


@pytest.mark.parametrize("fresh", [False, True])
def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path, fresh: bool) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(WrongState, match=r"no state folder of ours"):
        opened(tmp_path, fresh=fresh)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(WrongState, match="is a file"):
        opened(tmp_path / "state")


def test_an_empty_folder_may_be_taken(tmp_path: Path) -> None:
    opened(tmp_path)
    assert (tmp_path / VERSION_FILE).exists()


def test_two_cannot_use_one_folder(tmp_path: Path) -> None:
    first = open_state(tmp_path / "state", MONDAY, fresh=False)
    for fresh in (False, True):
        with pytest.raises(WrongState, match="in use"):
            opened(tmp_path / "state", fresh=fresh)
    with pytest.raises(WrongState, match="in use"), claimed(tmp_path / "state"):
        pass
    first.close()
    opened(tmp_path / "state")


def test_a_folder_of_another_version_is_started_anew_only_when_asked(tmp_path: Path) -> None:
    (tmp_path / VERSION_FILE).write_text(json.dumps({"version": 99}))
    with pytest.raises(WrongState, match=r"version 99.*--fresh"):
        opened(tmp_path)
    opened(tmp_path, fresh=True)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1, "source": 5}'])
def test_a_version_file_that_cannot_be_read_says_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / VERSION_FILE).write_text(text)
    with pytest.raises(WrongState, match="--fresh"):
        opened(tmp_path)
    opened(tmp_path, fresh=True)


def test_what_is_remembered_is_there_next_time_and_for_its_owner_alone(tmp_path: Path) -> None:
    state = open_state(tmp_path, MONDAY, fresh=False)
    state.remember(key="cv_1_secret", lake="bucket", ended=True)
    state.close()
    state = open_state(tmp_path, MONDAY, fresh=False)
    assert (state.record.key, state.record.lake, state.record.ended) == ("cv_1_secret", "bucket", True)
    assert stat.S_IMODE((tmp_path / VERSION_FILE).stat().st_mode) == 0o600
    state.close()


def test_what_is_written_is_for_its_owner_alone_from_the_first_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[int] = []
    write = Path.write_text

    def noting(file: Path, text: str) -> int:
        modes.append(stat.S_IMODE(file.stat().st_mode))
        return write(file, text)

    monkeypatch.setattr(Path, "write_text", noting)
    write_json(tmp_path / "running.json", {"key": "cv_1_secret"})
    assert modes == [0o600]


def test_a_look_at_a_folder_changes_nothing(tmp_path: Path) -> None:
    check_state(tmp_path / "state", MONDAY)
    assert not (tmp_path / "state").exists()


def test_only_a_folder_of_ours_can_be_claimed(tmp_path: Path) -> None:
    with pytest.raises(WrongState, match="no state folder"), claimed(tmp_path):
        pass


def test_a_simulated_feed_at_another_pace_is_named(tmp_path: Path) -> None:
    opened(tmp_path / "state", Source("sim", pace="10x"))
    with pytest.raises(WrongState, match="belongs to sim at 10x"):
        check_state(tmp_path / "state", Source("sim"))


def test_what_was_loaded_is_remembered_by_its_spans(tmp_path: Path) -> None:
    state = open_state(tmp_path / "state", Source("sim"), fresh=False)
    state.remember(past=((1, 2), (5, 9)))
    state.close()
    state = open_state(tmp_path / "state", Source("none"), fresh=False)
    assert (state.record.past, state.record.is_simulated, state.record.is_live) == (((1, 2), (5, 9)), True, True)
    state.close()


@pytest.mark.parametrize(
    ("source", "live"),
    [(Source("sim"), True), (Source("polygon"), True), (Source("sim", pace="10x"), False), (Source("/data"), False)],
)
def test_only_the_vendor_and_the_simulator_at_its_own_pace_are_live(source: Source, live: bool) -> None:
    assert source.is_live is live


def test_checkpoints_outlive_a_clean_stop_once(tmp_path: Path) -> None:
    file = tmp_path / "checkpoints.json"
    first = FileCheckpoints(file)
    assert first.load("m", "s") is None
    first.save("m", "s", "12")
    first.write()
    second = FileCheckpoints(file)
    assert (second.load("m", "s"), second.load("m", "other")) == ("12", None)
    assert FileCheckpoints(file).load("m", "s") is None, "a run that was killed leaves none"
