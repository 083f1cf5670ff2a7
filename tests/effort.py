"""How much is tried: `make test` gives a property a fifth of its examples, twenty at least; `EXAMPLES=all` all of them.

The one home of this choice: the profile in tests/unit/conftest.py and every test that names a number ask here.
"""

import os
from typing import TypeVar

T = TypeVar("T")
SHARE = 5
LEAST = 20


def everything() -> bool:
    """Whether all is to be tried: `make parity`."""
    return os.environ.get("EXAMPLES") == "all"


def at_most(whole: T, cut: T) -> T:
    """The whole of something for `make parity`, else a cut of it that shows the same."""
    return whole if everything() else cut


def examples(wanted: int) -> int:
    """How many of the examples that a property is worth it gets in this run."""
    return wanted if everything() else min(wanted, max(LEAST, wanted // SHARE))
