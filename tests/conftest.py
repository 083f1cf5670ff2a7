"""What several kinds of tests need: where the recorded market data lies, and a reason to skip without it."""

import gc
from collections.abc import Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
RECORDED = SHARED / "data"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Modules and tests live to the end of the run, so the garbage collector need not look at them, now or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The folder of recorded market data (trades/, minute/); it is licensed for local tests only, so never shipped."""
    if not (RECORDED / "trades").is_dir():
        pytest.skip("recorded market data (../shared/data) is not on this machine")
    return RECORDED


@pytest.fixture(scope="session")
def recorded_trades(recorded: Path) -> list[Path]:
    """Nine symbol-days of trades: AIG, BAC, SPY on 2013-10-07, -08, -09."""
    return sorted((recorded / "trades").glob("*.jsonl.gz"))


@pytest.fixture(scope="session")
def published_conditions() -> Path:
    """Polygon's list of trade conditions as it was published."""
    path = SHARED / "polygon/conditions.json"
    if not path.is_file():
        pytest.skip("Polygon's list of conditions (../shared/polygon) is not on this machine")
    return path
