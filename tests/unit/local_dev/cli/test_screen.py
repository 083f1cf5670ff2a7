import io

from local_dev.cli.screen import Screen, summary
from local_dev.runtime.finish import Counts


def test_the_summary_has_one_line_a_count_and_says_by_what_it_divides() -> None:
    counts = Counts(1_599_400, 3, 4, 5, 6, 7, 3, 0, 0, {"future": 1, "conflict": 2}, {"XT": 2, "LULD": 1})
    assert [" ".join(line.split()) for line in summary(counts)] == [
        "trades in 1,599,400",
        "frames 3",
        "parts 4",
        "bars 5",
        "late 6",
        "duplicates 7",
        "quarantined 3 (conflict 2, future 1)",
        "lost 0",
        "ignored 3 (LULD 1, XT 2)",
    ]


def test_records_that_were_given_up_are_told_only_when_there_are_any() -> None:
    assert "given up" not in "\n".join(summary(Counts()))
    assert "given up                 3 " in "\n".join(summary(Counts(given_up=3)))


def test_gaps_that_were_not_filled_are_told_only_when_there_are_any() -> None:
    assert "gaps" not in "\n".join(summary(Counts()))
    assert "gaps                     2 " in "\n".join(summary(Counts(gaps_unfilled=2)))


def test_a_log_gets_one_plain_status_line_in_a_while() -> None:
    out = io.StringIO()
    screen = Screen(out)
    for _ in range(3):
        epochs = [{"trades_in": 12_345, "bars": 6, "last_trade_ms": 1_381_152_600_000}]
        screen.status(epochs, 1_007, {}, simulated=False)
    (line,) = out.getvalue().splitlines()
    assert line.startswith("2013-10-07 09:30:00 | trades 12,345 (")
    assert "| signals 1,007 |" in line
    assert "\x1b" not in line


def test_made_up_trades_are_called_so_first_of_all() -> None:
    out = io.StringIO()
    Screen(out).status([], 0, {}, simulated=True)
    assert out.getvalue().startswith("SIMULATED | waiting | trades 0 ")
