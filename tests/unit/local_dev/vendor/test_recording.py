"""Reading and merging recorded files."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from local_dev.vendor.errors import WrongInputError
from local_dev.vendor.recording import Recording, load
from tests.unit.local_dev.vendor.support import OPEN_MS, line, record, trade


def all_lines(recording: Recording) -> list[bytes]:
    return [event for frame in recording.tape.frames(0, len(recording.tape)) for event in json.loads(frame.data)]


def identities(recording: Recording) -> list[tuple[str, str]]:
    return [(event["sym"], event["i"]) for event in all_lines(recording)]  # type: ignore[call-overload]  # decoded


def served(recording: Recording, sym: str) -> list[dict[str, Any]]:
    history, tape = recording.history, recording.tape
    rows = history.rows(tape.symbols[sym], 0, 10**13, sent=len(tape))
    return [json.loads(text) for text in tape.lines(history.positions[rows])]


def test_files_merge_by_time_and_ties_keep_the_order_of_names_and_lines(tmp_path: Path) -> None:
    record(tmp_path / "b.jsonl.gz", [trade(1, sym="B"), trade(2, sym="B"), trade(3, sym="B")])
    record(tmp_path / "a.jsonl", [trade(2, sym="A"), trade(2, sym="A", i="2b"), trade(4, sym="A")])
    assert identities(load(tmp_path)) == [("B", "1"), ("A", "2"), ("A", "2b"), ("B", "2"), ("B", "3"), ("A", "4")]


def test_a_file_keeps_its_own_order(tmp_path: Path) -> None:
    late = trade(0, at_ms=OPEN_MS - 1_200_000)
    path = record(tmp_path / "day.jsonl", [trade(1), trade(300), trade(200), trade(301), late, trade(302)])
    assert [number for _, number in identities(load(path))] == ["1", "300", "200", "301", "0", "302"]


def test_lines_without_time_stay_with_their_neighbours_when_files_merge(tmp_path: Path) -> None:
    record(tmp_path / "a.jsonl", [trade(1, sym="A"), b"{broken", trade(9, sym="A")])
    record(tmp_path / "b.jsonl", [trade(5, sym="B")])
    record(tmp_path / "c.jsonl", [b"nothing here has a time"])
    tape = load(tmp_path).tape
    frames = [frame.data for frame in tape.frames(0, len(tape))]
    assert frames[:3] == [b"[" + line(trade(1, sym="A")) + b"]", b"[{broken]", b"[nothing here has a time]"]
    assert len(tape) == 5


def test_a_folder_may_hold_its_trades_in_a_folder_of_that_name_and_other_files_beside(tmp_path: Path) -> None:
    (tmp_path / "trades").mkdir()
    record(tmp_path / "trades" / "day.ndjson", [trade(1)])
    (tmp_path / "corporate_actions.csv").write_text("ticker\n")
    assert len(load(tmp_path).tape) == 1


def test_a_trade_recorded_twice_is_served_once_and_the_first_record_counts(tmp_path: Path) -> None:
    other_day = trade(1, at_ms=OPEN_MS + 86_400_000)
    events = [trade(1), trade(2), trade(1), trade(1, p=99), trade(1, x=4, trfi=202), trade(1, x=4, trfi=203), other_day]
    record(tmp_path / "a.jsonl", [*events, trade(1, sym="B")])
    record(tmp_path / "b.jsonl", [trade(2)])
    recording = load(tmp_path)
    assert sorted(map(str, served(recording, "SPY"))) == sorted(map(str, [*events[:2], *events[4:]]))
    assert len(served(recording, "B")) == 1
    assert len(recording.tape) == 9


def test_trades_are_served_by_time_then_sequence(tmp_path: Path) -> None:
    path = record(tmp_path / "a.jsonl", [trade(3), trade(1), trade(2, at_ms=OPEN_MS + 10), b"{", trade(0)])
    assert [event["q"] for event in served(load(path), "SPY")] == [0, 1, 2, 3]


def test_wrong_input_is_one_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl.gz"
    broken.write_bytes(gzip.compress(b"x" * 1000)[:-20])
    (tmp_path / "empty").mkdir()
    timeless = record(tmp_path / "timeless.jsonl", [b"5"])
    empty = record(tmp_path / "empty.jsonl", [])
    for path, words in [
        (tmp_path / "gone", "does not exist"),
        (tmp_path / "empty", "holds no recorded trades"),
        (broken, "cannot be read"),
        (timeless, "no line with a usable time"),
        (empty, "no line with a usable time"),
    ]:
        with pytest.raises(WrongInputError, match=words) as caught:
            load(path)
        assert "\n" not in str(caught.value)
