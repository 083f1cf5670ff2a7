"""`condvest keys` on a state folder; with a platform: test_resume.py; of a deployment: tests/infrastructure."""

import json
import re
import stat
from pathlib import Path

import pytest

from local_dev.cli.main import main
from local_dev.keys.keys_file import FILE, KeysFile
from local_dev.runtime.state import Source, open_state
from serving_layer.auth.keys import Caller, KeyCheck


@pytest.fixture
def state(tmp_path: Path) -> Path:
    open_state(tmp_path / "state", Source("none"), fresh=False).close()
    return tmp_path / "state"


def create(state: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The key: all that is printed to standard output."""
    assert main(["keys", "create", "--state", str(state), *arguments]) == 0
    return capsys.readouterr().out.strip()


def test_a_key_is_shown_once_and_never_written(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "create", "--state", str(state), "--client", "desk", "--scopes", "live:read,bars:read"]) == 0
    printed = capsys.readouterr()
    key = printed.out.strip()
    assert re.fullmatch(r"cv_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", key)
    assert "this is the only time that the key is shown" in printed.err
    secret = key.split("_", 2)[2]
    assert secret not in printed.err
    assert secret not in "".join(file.read_text() for file in state.iterdir() if file.is_file())
    assert stat.S_IMODE((state / FILE).stat().st_mode) == 0o600
    check = KeyCheck(KeysFile(state), lambda: 0.0)
    assert check.caller(key) == Caller(key.split("_")[1], ("live:read", "bars:read"), "live")


def test_without_scopes_a_key_gets_those_of_its_plan(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check = KeyCheck(KeysFile(state), lambda: 0.0)
    live, delayed = create(state, capsys, "--client", "a"), create(state, capsys, "--client", "b", "--plan", "delayed")
    assert check.caller(live) == Caller(live.split("_")[1], ("alerts:write", "bars:read", "live:read"), "live")
    assert check.caller(delayed) == Caller(delayed.split("_")[1], ("bars:read",), "delayed")


def test_keys_are_listed_and_revoked(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (create(state, capsys, "--client", "desk") for _ in range(2))
    one, two = first.split("_")[1], second.split("_")[1]
    assert main(["keys", "create", "--client", "desk", "--state", str(state)]) == 2
    assert "desk has 2 live keys" in capsys.readouterr().err
    assert main(["keys", "revoke", one, "--state", str(state)]) == 0
    assert capsys.readouterr().out == f"revoked {one} of desk: refused within 60 seconds\n"
    assert main(["keys", "list", "--state", str(state)]) == 0
    *lines, total = capsys.readouterr().out.splitlines()
    assert total == "2 keys, 1 live"
    told = {line.split()[0]: line for line in lines}
    assert told.keys() == {one, two}
    assert re.search(r"revoked 20\d\d-\d\d-\d\dT", told[one])
    assert told[two].endswith("  live")
    check = KeyCheck(KeysFile(state), lambda: 0.0)
    assert check.caller(first) is None
    assert check.caller(second) is not None


def test_two_commands_at_once_lose_no_key(state: Path) -> None:
    one, two = KeysFile(state), KeysFile(state)
    assert list(two.key_records()) == []
    one.put_key("a" * 12, {"hash": "x"})
    two.put_key("b" * 12, {"hash": "y"})
    assert json.loads((state / FILE).read_text()).keys() == {"a" * 12, "b" * 12}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["create", "--client", "no spaces"], "no spaces is no name"),
        (["create", "--client", "desk", "--plan", "gold"], "invalid choice: 'gold'"),
        (["create", "--client", "desk", "--scopes", "bars:write"], "scopes must be of .*, was bars:write"),
        (["create", "--client", "desk", "--plan", "delayed", "--scopes", "live:read"], "cannot have live:read"),
        (["create"], "--client"),
        (["revoke", "0123456789ab"], "there is no key 0123456789ab"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_exit_2(
    state: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(["keys", *arguments, "--state", str(state)]) == 2
    said = capsys.readouterr()
    assert re.search(words, said.err)
    assert (said.err.count("\n"), said.out) == (1, "")


def test_a_folder_that_is_no_state_gets_no_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "create", "--client", "desk", "--state", str(tmp_path)]) == 2
    assert "there is no state folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
