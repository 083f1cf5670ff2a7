"""The chart, read back from its text: which column, which row."""

import io
import re
from decimal import Decimal

import pytest

from local_dev.cli.candles import Candle, candles_of, merged
from local_dev.cli.chart import DOWN, PLAIN_SIZE, UP, WICK, Picture, chart, picture_for

OPEN_MS = 1_381_239_000_000  # 2013-10-08 09:30 in New York
MINUTE_MS = 60_000
PLAIN = Picture(*PLAIN_SIZE, colours=False)


def candle(number: int, prices: str, v: str = "100") -> Candle:
    """`prices`: open, high, low, close of minute `number`."""
    return Candle(OPEN_MS + number * MINUTE_MS, *map(Decimal, (*prices.split(), v)))


def panels(text: str) -> list[list[str]]:
    """Rows of the prices and of the volumes, without labels and frame, from the top."""
    inside = re.compile(r"^[^│┤┌└]*[│┤](.*)│$")
    found: list[list[str]] = []
    for line in text.splitlines():
        if "┌" in line:
            found.append([])
        elif match := inside.match(line):
            found[-1].append(match[1])
    return found


def column(rows: list[str], place: int) -> str:
    return "".join(row[place] if place < len(row) else " " for row in rows)


def test_a_candle_reaches_from_its_low_to_its_high_and_its_body_from_open_to_close() -> None:
    scale = candle(0, "10 28 10 10")  # a dollar a row: 19 rows from 10 to 28
    rows, _ = panels(chart("X 1m", [scale, candle(1, "14 22 12 20")], PLAIN))
    assert len(rows) == 19
    place = next(place for place in range(1, 10) if column(rows, place).strip())
    assert column(rows, place) == " " * 6 + WICK * 2 + UP * 7 + WICK * 2 + " " * 2


def test_a_fall_is_hatched_and_a_rise_or_no_change_is_solid() -> None:
    text = chart("X 1m", [candle(0, "3 3 1 1")], PLAIN)
    assert DOWN in text
    assert UP not in "".join(panels(text)[0])
    assert UP in "".join(panels(chart("X 1m", [candle(0, "2 3 1 2")], PLAIN))[0])


def test_volumes_stand_below_their_candles_in_proportion() -> None:
    bars = [
        candle(0, "1 2 1 2", "400"),
        candle(1, "1 2 1 2", "0"),
        candle(2, "1 2 1 2", "300"),
    ]
    prices, volumes = panels(chart("X 1m", bars, PLAIN))
    places = [place for place in range(20) if column(prices, place).strip()]
    heights = [column(volumes, place).count(UP) for place in places]
    assert len(places) == 3
    assert heights[0] == len(volumes)
    assert heights[1] == 0
    assert heights[0] > heights[2] > len(volumes) / 2


def test_labels_are_the_lowest_and_the_highest_price_the_last_one_and_new_york_time() -> None:
    text = chart("AIG 1m", [candle(n, "45.1 45.2 45 45.15") for n in range(45)], PLAIN)
    lines = text.splitlines()
    assert lines[0] == "AIG 1m | 2013-10-08 09:30 to 2013-10-08 10:14 New York | last 45.15 | 45 bars"
    assert lines[2].startswith(" 45.20┤")
    assert [line for line in lines if line.startswith(" 45.00┤")]
    assert lines[-1].split()[:2] == ["09:30", "09:35"]
    assert max(map(len, lines)) == PLAIN_SIZE[0]


def test_prices_that_differ_by_little_have_labels_that_differ() -> None:
    text = chart("X 1m", [candle(0, "0.00010 0.00012 0.00008 0.00011")], PLAIN)
    labels = re.findall(r"([\d.]+)┤", text)[:5]
    assert len(set(labels)) == 5
    assert Decimal(labels[0]) == Decimal("0.00012")


def test_one_price_all_along_is_drawn() -> None:
    assert UP in chart("X 1m", [candle(0, "5 5 5 5", "0")], PLAIN)


def test_bars_of_days_have_days_below_them() -> None:
    midnight = OPEN_MS - 570 * MINUTE_MS
    day = Candle(midnight, *map(Decimal, ("1", "2", "1", "2", "3")))
    assert "2013-10-08" in chart("X 1d", [day], PLAIN).splitlines()[-1]


def test_bars_of_two_days_have_day_and_hour_below_them() -> None:
    bars = [candle(0, "1 2 1 2"), candle(1440, "1 2 1 2")]
    assert "10-08 09:30" in chart("X 1m", bars, PLAIN).splitlines()[-1]


def test_more_bars_than_columns_are_put_together_and_the_heading_says_how_many() -> None:
    text = chart("X 1m", [candle(n, "2 4 1 3") for n in range(390)], PLAIN)
    prices, _ = panels(text)
    width = max(map(len, prices))
    assert sum(1 for place in range(width) if column(prices, place).strip()) == 78
    assert text.splitlines()[0].endswith("390 bars, 5 to a candle")


def test_neighbours_become_one_as_a_longer_timeframe_would_have_them() -> None:
    four = [
        candle(0, "10 11 9 10.5", "1.5"),
        candle(1, "10.6 12 10 11", "2"),
        candle(2, "11 11.5 8 8.5", "3"),
        candle(3, "8.6 9 8.1 8.8", "4"),
    ]
    assert merged(four, 4) == four
    assert merged(four, 2) == [candle(0, "10 12 9 11", "3.5"), candle(2, "11 11.5 8 8.8", "7")]
    assert merged(four, 3) == merged(four, 2), "all but the last are made of equally many"
    assert merged(four, 1) == [candle(0, "10 12 8 8.8", "10.5")]


def test_bars_of_the_api_keep_their_digits() -> None:
    (one,) = candles_of([{"t": 1, "o": Decimal("0.10"), "h": 2, "l": 1, "c": Decimal("1.5"), "v": 7, "n": 3}])
    assert one == Candle(1, Decimal("0.10"), Decimal(2), Decimal(1), Decimal("1.5"), Decimal(7))


def test_no_bars_are_said_to_be_none() -> None:
    assert chart("X 1m", [], PLAIN) == "X 1m: no bars in this range"


def test_without_a_terminal_there_is_a_fixed_width_and_no_colour() -> None:
    assert picture_for(io.StringIO()) == Picture(100, 30, colours=False)
    assert "\x1b" not in chart("X 1m", [candle(0, "1 2 1 2")], PLAIN)


@pytest.mark.parametrize(("columns", "taken"), [("160", 160), ("20", 40)])
def test_a_terminal_gives_its_width_and_colours(columns: str, taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", columns)
    picture = picture_for(Terminal())
    assert (picture.columns, picture.colours) == (taken, True)
    assert "\x1b" in chart("X 1m", [candle(0, "1 2 1 2")], picture)
