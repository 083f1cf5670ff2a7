"""The table of faults in docs/operations.md is what the tests' markers say, and leaves no fault without a test."""

from tests.fault_table import FAULTS, PAGE, marked, page


def test_the_table_of_the_page_is_what_the_markers_say() -> None:
    assert PAGE.read_text() == page(), "stale: run `make faults`"


def test_every_fault_of_the_table_is_made_to_happen_by_a_test() -> None:
    assert sorted({fault for fault, _, _ in marked()}) == sorted(FAULTS)
