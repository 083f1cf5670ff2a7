"""`python -m local_dev.vendor` over a folder of bars."""

import json
from pathlib import Path
from urllib.request import urlopen

import pytest

from local_dev.vendor.__main__ import main
from tests.unit.local_dev.vendor.support import record, trade
from tests.unit.local_dev.vendor.table_files import bar, write_daily
from tests.unit.local_dev.vendor.test_command import PATIENCE_S, running


@pytest.mark.parametrize("options", [[], ["--no-trades"]])
def test_a_folder_of_bars_is_served_without_trades_or_with_them_left_unread(tmp_path: Path, options: list[str]) -> None:
    write_daily(tmp_path, bar("A", "2020-01-02"))
    if options:
        record(tmp_path / "a.jsonl", [trade(0)])
    with running("--data", tmp_path, *options) as (_, url), urlopen(f"{url}/__feed", timeout=PATIENCE_S) as response:  # noqa: S310  # the URL it just printed
        assert json.load(response)["total"] == 0


def test_a_folder_with_neither_trades_nor_bars_is_wrong_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(tmp_path), "--no-trades"]) == 2
    assert "holds no recorded trades" in capsys.readouterr().err
