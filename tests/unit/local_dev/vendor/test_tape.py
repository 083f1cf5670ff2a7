"""Frames."""

import json
from pathlib import Path

from local_dev.vendor.recording import load
from local_dev.vendor.tape import FRAME_BYTES, FRAME_LINES, Tape
from tests.unit.local_dev.vendor.support import line, record, trade


def tape_of(path: Path, events: list[object]) -> Tape:
    return load(record(path, events)).tape  # type: ignore[arg-type]  # events and raw lines


def test_frames_are_arrays_of_the_recorded_bytes_and_never_hold_too_many_lines(tmp_path: Path) -> None:
    events = [trade(number) for number in range(2 * FRAME_LINES + 1)]
    frames = list(tape_of(tmp_path / "a.jsonl", [*events]).frames(0, len(events)))
    assert [len(json.loads(frame.data)) for frame in frames] == [FRAME_LINES, FRAME_LINES, 1]
    assert b",".join(frame.data[1:-1] for frame in frames) == b",".join(map(line, events))


def test_frames_of_long_lines_stay_far_below_a_megabyte(tmp_path: Path) -> None:
    events = [trade(number, note="x" * 3_800) for number in range(1_000)]
    frames = list(tape_of(tmp_path / "a.jsonl", [*events]).frames(0, len(events)))
    assert max(len(frame.data) for frame in frames) <= FRAME_BYTES
    assert [event for frame in frames for event in json.loads(frame.data)] == events


def test_a_line_that_is_not_a_trade_is_alone_in_its_frame_and_everybody_gets_it(tmp_path: Path) -> None:
    nan = line(trade(3)).replace(b"167.42", b"NaN")
    tape = tape_of(tmp_path / "a.jsonl", [trade(1), trade(2, sym="B"), nan, b"{half", trade(4)])
    frames = [frame.data for frame in tape.frames(0, 5, tape.wanted({"B", "GONE"}))]
    assert frames == [b"[" + line(trade(2, sym="B")) + b"]", b"[" + nan + b"]", b"[{half]"]


def test_bytes_that_are_not_text_travel_as_a_binary_message(tmp_path: Path) -> None:
    tape = tape_of(tmp_path / "a.jsonl", [trade(1), b"\xff\xfe"])
    assert [(frame.data, frame.text) for frame in tape.frames(1, 2)] == [(b"[\xff\xfe]", False)]


def test_nothing_wanted_is_no_frame(tmp_path: Path) -> None:
    tape = tape_of(tmp_path / "a.jsonl", [trade(1)])
    assert list(tape.frames(0, 1, tape.wanted({"B"}))) == list(tape.frames(1, 1)) == []
