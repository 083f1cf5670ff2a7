"""Which column of a file is which field of a bar."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from batch_layer.imports.wrong_file import WrongFile

NEEDED = ("ts", "open", "high", "low", "close", "volume")
OPTIONAL = ("vwap", "count")
FIELDS = (*NEEDED, "sym", *OPTIONAL)


class Places(NamedTuple):
    """Where the fields of a bar are in a row, counted from 0; None for one that the file does not have."""

    ts: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    sym: int | None
    vwap: int | None
    count: int | None  # type: ignore[assignment]  # the name of the contract; tuple.count is of no use here


def parse_map(text: str) -> dict[str, str]:
    """`ts=Date,close=Close` as field -> column. Raises WrongFile.

    >>> parse_map("ts=Date,close=Adj Close")
    {'ts': 'Date', 'close': 'Adj Close'}
    """
    found: dict[str, str] = {}
    for pair in filter(None, text.split(",")):
        field, _, column = (part.strip() for part in pair.partition("="))
        if field not in FIELDS or not column:
            raise WrongFile(f"--map: {pair.strip()!r} must be FIELD=COLUMN with a field of {', '.join(FIELDS)}")
        if field in found:
            raise WrongFile(f"--map: {field} is there twice")
        found[field] = column
    return found


def places(columns: Sequence[str], given: Mapping[str, str], symbol: str | None) -> Places:
    """A field is in the column that was given for it, else in the one of its own name, in upper or lower case.

    `symbol`: of all rows, where the file has no column for it. Raises WrongFile.
    """
    if doubled := next((name for name in columns if columns.count(name) > 1), None):
        raise WrongFile(f"the file has two columns {doubled!r}")
    found = {field: _place(columns, field, given) for field in FIELDS}
    if symbol is not None:
        found["sym"] = None
    missing = [field for field in NEEDED if found[field] is None]
    if found["sym"] is None and symbol is None:
        missing.append("sym (or --symbol)")
    if missing:
        raise WrongFile(f"no column for {', '.join(missing)}: name it with --map; there are {', '.join(columns)}")
    return Places(**found)  # type: ignore[arg-type]  # those that must not be None are not


def _place(columns: Sequence[str], field: str, given: Mapping[str, str]) -> int | None:
    if field in given:
        if given[field] not in columns:
            raise WrongFile(f"--map: the file has no column {given[field]!r}; there are {', '.join(columns)}")
        return columns.index(given[field])
    same = [place for place, name in enumerate(columns) if name.lower() == field]
    if len(same) > 1:
        raise WrongFile(f"--map: more than one column is called {field}; say which")
    return same[0] if same else None
