"""Every fault has a guard that can be taken out; that its tests miss it is shown by `make guards`."""

import ast
from collections import Counter

import pytest

from tests.fault_table import FAULTS, ROOT
from tests.guards import GUARDS
from tests.guards.__main__ import concerned
from tests.guards.guard import Guard


def test_every_fault_has_a_guard_and_every_guard_a_test_that_needs_no_platform() -> None:
    assert sorted({guard.fault for guard in GUARDS}) == sorted(FAULTS)
    assert [guard for guard in GUARDS if not concerned(guard)] == []


def test_no_guard_is_named_twice() -> None:
    assert [guard for guard, times in Counter(GUARDS).items() if times > 1] == []


@pytest.mark.parametrize("guard", GUARDS, ids=[f"{guard.fault} {guard.text.strip()[:30]}" for guard in GUARDS])
def test_a_guard_stands_once_in_its_file_and_the_file_can_be_read_without_it(guard: Guard) -> None:
    whole = (ROOT / guard.path).read_text()
    assert whole.count(guard.text) == 1
    if guard.path.endswith(".py"):
        ast.parse(whole.replace(guard.text, guard.instead))
