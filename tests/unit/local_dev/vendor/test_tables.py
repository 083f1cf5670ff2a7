"""What lies beside the trades of a folder."""

from pathlib import Path

import pytest

from local_dev.vendor.errors import WrongInputError
from local_dev.vendor.tables import load_tables
from tests.unit.local_dev.vendor.table_files import HEADER, bar, write_actions, write_daily


def test_a_folder_without_tables_has_none(tmp_path: Path) -> None:
    tables = load_tables(tmp_path)
    assert (tables.symbols, tables.actions, tables.grouped) == ([], [], {})


def test_numbers_stay_the_text_they_were_written_as(tmp_path: Path) -> None:
    write_daily(tmp_path, bar("A", "2020-01-02", "10.50", volume="1.029145e+06"))
    (row,) = load_tables(tmp_path).daily["A"]
    assert (row.close, row.volume, row.high) == ("10.50", "1.029145e+06", "11.25")


@pytest.mark.parametrize("text", ["", "NaN", "Infinity", "010", ".5", "1.", "0x10", "1,5", "-"])
def test_a_number_that_json_does_not_know_names_file_and_line(tmp_path: Path, text: str) -> None:
    write_daily(tmp_path, bar("A", "2020-01-02"), bar("A", "2020-01-03").replace("10.5", f'"{text}"'))
    with pytest.raises(WrongInputError, match=r"A\.csv\.gz line 3: close"):
        load_tables(tmp_path)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "daily").mkdir()
    (tmp_path / "daily/A.csv").write_text(HEADER.replace(",low", "") + "\n")
    with pytest.raises(WrongInputError, match="no column low"):
        load_tables(tmp_path)


def test_a_file_that_is_not_what_its_name_says_is_named(tmp_path: Path) -> None:
    write_daily(tmp_path, bar("A", "2020-01-02"))
    (tmp_path / "daily/A.csv.gz").write_bytes(b"plain")
    with pytest.raises(WrongInputError, match=r"A\.csv\.gz cannot be read"):
        load_tables(tmp_path)


@pytest.mark.parametrize("line", ["A,soon,1,2,", "A,2020-01-02,1,,", "A,2020-01-02,,,", "A,2020-01-02,,,lots"])
def test_an_action_that_is_neither_split_nor_dividend_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(WrongInputError, match=r"corporate_actions\.csv line 2"):
        load_tables(write_actions(tmp_path, line))


def test_the_recorded_folder_has_what_its_readme_says(recorded: Path) -> None:
    tables = load_tables(recorded)
    counts = {symbol: len(rows) for symbol, rows in tables.daily.items()}
    assert counts == {"AAPL": 5849, "AIG": 5849, "BAC": 5661, "BNO": 2727, "FB": 2231, "IWM": 5244, "SPY": 5849}
    assert len([one for one in tables.actions if one.split_from]) == 4 + 4 + 1 + 1 + 1
    assert len(tables.actions) == 391
