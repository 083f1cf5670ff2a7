"""One line of the table that `make bench` prints, and how it is measured."""

import statistics
import subprocess
import sys
from typing import NamedTuple


class Row(NamedTuple):
    """One measurement; `limit` is what the design promises, None where it promises nothing."""

    name: str
    value: float
    unit: str
    limit: float | None = None


def render(row: Row) -> str:
    promised = "" if row.limit is None else f"(promised {row.limit:g})"
    return f"{row.name:56s}{row.value:14,.2f} {row.unit:10s}{promised}"


def import_ms(module: str, without: str = "none") -> float:
    """Importing a module in a process of its own, as if another were not installed; the median of seven."""
    code = (
        f"import sys, time; sys.modules[{without!r}] = None; begin = time.perf_counter(); import {module}; "
        "print((time.perf_counter() - begin) * 1e3)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout  # noqa: S603 -- our own interpreter
        for _ in range(7)
    ]
    return statistics.median(map(float, runs))
