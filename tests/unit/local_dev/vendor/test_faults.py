"""The fault list."""

import pytest

from local_dev.vendor.errors import WrongInputError
from local_dev.vendor.faults import parse_faults


def test_stream_faults_come_in_the_order_of_their_line_counts_and_once() -> None:
    plan = parse_faults("close@20:1012, silence@5:2.5s,drop@5")
    assert plan.lines_allowed(0) == 5
    assert plan.stream_fault_due(4) is None
    taken = [plan.stream_fault_due(5), plan.stream_fault_due(5), plan.stream_fault_due(5)]
    assert [(fault.kind, fault.argument) for fault in taken[:1] if fault] == [("silence", 2.5)]
    assert taken[1] is not None
    assert taken[1].kind == "drop"
    assert taken[2] is None
    assert plan.lines_allowed(5) == 15
    assert plan.stream_fault_due(30) is not None
    assert plan.lines_allowed(30) is None


def test_rest_faults_follow_one_another_as_listed() -> None:
    plan = parse_faults("http429@1:7s,http500@2,truncate@1")
    kinds = [(fault.kind, fault.retry_after_s) for _ in range(4) if (fault := plan.rest_fault_due())]
    assert kinds == [("http429", 7), ("http500", 1), ("http500", 1), ("truncate", 1)]
    assert plan.rest_fault_due() is None


def test_no_list_is_no_fault() -> None:
    plan = parse_faults("")
    assert (plan.lines_allowed(0), plan.stream_fault_due(10**9), plan.rest_fault_due()) == (None, None, None)


@pytest.mark.parametrize(
    "spec", ["boom@3", "drop", "drop@x", "drop@-1", "close@5", "silence@5", "close@5:1006", "http500"]
)
def test_a_fault_that_is_not_understood_is_named(spec: str) -> None:
    with pytest.raises(WrongInputError, match=spec):
        parse_faults(f"drop@1,{spec}")
