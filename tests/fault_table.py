"""The table of faults in docs/operations.md, made from the markers of the tests that show each of them.

A test says which faults it makes happen: `@pytest.mark.fault("F07")`. `make faults` writes the table anew;
tests/test_fault_table.py fails where it is stale, and where a fault has no test.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/operations.md"
BEGIN, END = "<!-- faults: written by make faults -->", "<!-- end of faults -->"

FAULTS = {
    "F01": ("the socket is reset", "reconnects for ever, up to 30 s apart at random; a gap until REST has filled it"),
    "F02": ("the vendor closes cleanly (1000, 1001)", "as F01: never taken for an end"),
    "F03": ("the peer is gone and TCP does not say so", "a ping after 5 s without a frame, given up 5 s later"),
    "F04": ("the vendor answers pings and sends no trades", "in regular hours a silence of the busiest cuts it"),
    "F05": ("we are too slow", "bounded queue; the cache is left out first, then the connection given up with a gap"),
    "F06": ("another connection with our key", "exit 2 without reconnecting; one lease, an epoch in every record"),
    "F07": ("the key is refused", "once more after 60 s, then exit 2: a new start reads the key anew"),
    "F08": ("a symbol is unknown or not in the plan", "the others run; each refused channel is counted by name"),
    "F09": ("a frame is not JSON, or cut", "quarantine, connection kept"),
    "F10": ("unknown events and fields", "events counted by kind, fields ignored"),
    "F11": ("a price or size that is no number above zero", "quarantine with its reason"),
    "F12": ("fractional sizes", "decimal text, exact to 10^-6 share"),
    "F13": ("absurd times", "quarantine; a lone trade ahead moves no clock"),
    "F14": ("trades come twice", "one effect"),
    "F15": ("trades come out of order", "the same bars"),
    "F16": ("trades come after their window has closed", "stored beside it, revised bars sent, counted as late"),
    "F17": ("what was stored is corrected later", "both values kept with when each was known"),
    "F18": ("conditions that set no price, or that nobody knows", "as published; unknown: volume only, counted"),
    "F19": ("nothing trades", "heartbeats go on and windows close"),
    "F20": ("the host's clock is wrong", "time comes from the feed; a host 1 s behind it is told of by log and health"),
    "F21": ("the stream refuses whole calls", "repeated, spaced out; the queue holds what comes meanwhile"),
    "F22": ("the stream takes a part of a call", "what it refused goes again before its lane's next"),
    "F23": ("the stream's answer is lost", "sent again, counted once"),
    "F24": ("a call keeps no order", "one record of a lane under way at a time"),
    "F25": ("a record would be too large", "cut before it is sent"),
    "F26": ("one symbol is the whole market", "parts gather: few records a second; the queue takes the rest"),
    "F30": ("a record that nobody can read", "quarantine with its bytes, the batch goes on"),
    "F33": ("a batch is delivered again", "changes nothing"),
    "F34": ("a whole batch fails", "delivered again from its first record"),
    "F35": ("a defect of ours in a handler", "the invocation fails, and is not taken for bad luck"),
    "F39": ("a table throttles", "the SDK tries again within its budget, then the batch comes again"),
    "F40": ("a table leaves items of a batch", "they go again after a pause"),
    "F41": ("a write meets a newer value", "the newer one stands"),
    "F42": ("a table's answer is lost and the SDK repeats the call", "one effect"),
    "F43": ("the same key twice in one batch", "one item, the last"),
    "F48": ("the cache is down", "gone without, at once"),
    "F49": ("the cache hangs", "one time-out of 200 ms, then gone without"),
    "F50": ("the cache applies a write that had timed out", "compare-and-set: nothing gets older"),
    "F51": ("the cache comes back empty", "filled again by those who ask"),
    "F52": ("the cache fails over", "connections are replaced"),
    "F53": ("the cache is full", "writes are refused and no answer fails"),
    "F54": ("an older trade after a newer one", "the last trade never goes back"),
    "F65": ("an engine restarts and repeats what it sent", "the same bars"),
    "F66": ("a reader starts anew", "from the oldest record, never the latest"),
    "F67": ("a malformed record in front of an engine", "set aside, the stream goes on"),
    "F68": ("`NaN` as text where a number belongs", "refused"),
    "F69": ("several trades in one record", "a part never crosses a second and carries its own time"),
    "F70": ("longer bars from shorter ones", "a minute belongs to the window that holds its start"),
    "F82": ("a night does not start, fails or dies", "told at six in the morning, until it has run"),
}  # fmt: skip
"""Number of each fault -> what happens, and what we make of it."""


def marked() -> Iterator[tuple[str, str, str]]:
    """(fault, path of the test's file from the root, name of the test), by path and place."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text()
        if "mark.fault(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for fault in _faults_of(node):
                    yield fault, str(path.relative_to(ROOT)), node.name


def _faults_of(test: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for decorator in test.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.fault":
            yield from (ast.literal_eval(argument) for argument in decorator.args)


def table() -> str:
    """The table as it should be."""
    shown = defaultdict(list)
    for fault, path, name in marked():
        shown[fault].append(f"[{name.removeprefix('test_').replace('_', ' ')}](../{path})")
    rows = [
        f"| {fault} | {what} | {answer} | {'<br>'.join(shown[fault])} |" for fault, (what, answer) in FAULTS.items()
    ]
    return "\n".join(["| | what happens | what we make of it | shown by |", "|---|---|---|---|", *rows])


def page() -> str:
    """The page with the table as it should be."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.partition(END)[2]}"


def main() -> int:
    """Write the table."""
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
