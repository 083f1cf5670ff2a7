"""One test for each rule AWS documents for Kinesis event source mappings.

Sources (Lambda developer guide, 2026): [batching] "Batching behavior"; [retain] "Retain discarded batch records for a
Kinesis Data Streams event source"; [partial] "Configuring partial batch response with Kinesis Data Streams"; [polling]
"How Lambda processes records from stream sources".
"""

from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest

from local_dev.runtime.invocation import PAYLOAD_LIMIT_BYTES, InvocationResult
from local_dev.runtime.mapping_rules import Backoff, Condition, Read, ShardRules, Wait
from local_dev.runtime.stream_record import ENVELOPE_BYTES, event_of
from tests.unit.local_dev.runtime.simulated_shard import (
    SimulatedShard,
    error,
    record,
    report,
    settings,
    success,
    throttle,
)

Answer = Callable[[list[int]], InvocationResult]


def raises_on(*poison: int) -> Answer:
    return lambda batch: error() if set(poison) & set(batch) else success()


def reports_first_of(*poison: int) -> Answer:
    """As a handler does that stops at the first record it cannot handle."""

    def answer(batch: list[int]) -> InvocationResult:
        found = [number for number in batch if number in poison]
        return report(found[0]) if found else success()

    return answer


def in_turn(answers: Iterable[InvocationResult]) -> Answer:
    """These answers, then success."""
    waiting = list(answers)
    return lambda batch: waiting.pop(0) if waiting else success()


# [batching]


def test_without_a_window_the_function_is_asked_as_soon_as_records_are_there() -> None:
    shard = SimulatedShard(settings(batch_size=100))
    shard.put(1)
    shard.run()
    assert shard.invocations == [(1000.0, [1])]


def test_a_batch_closes_at_the_batch_size() -> None:
    shard = SimulatedShard(settings(batch_size=3, window_seconds=300))
    shard.put(1, 2, 3, 4, 5, 6)
    shard.run_for(1)
    assert shard.batches == [[1, 2, 3], [4, 5, 6]]


def test_a_batch_closes_when_its_window_is_over() -> None:
    shard = SimulatedShard(settings(batch_size=100, window_seconds=20))
    shard.put(1)
    shard.run_for(10)
    shard.put(2)
    shard.run_for(9)
    assert shard.invocations == []
    shard.run_for(2)
    ((at, batch),) = shard.invocations
    assert batch == [1, 2]
    assert 1020 <= at < 1021


def test_the_window_begins_with_the_first_record_of_a_batch() -> None:
    shard = SimulatedShard(settings(batch_size=100, window_seconds=20))
    shard.run_for(50)
    shard.put(1)
    shard.run()
    ((at, _),) = shard.invocations
    assert 1070 <= at < 1072


def test_an_empty_shard_invokes_nothing() -> None:
    shard = SimulatedShard(settings(window_seconds=1))
    shard.run_for(100)
    assert shard.invocations == []


def test_a_batch_closes_before_the_encoded_event_exceeds_six_mebibytes() -> None:
    shard = SimulatedShard(settings(batch_size=100, window_seconds=300))
    third, rest = divmod(PAYLOAD_LIMIT_BYTES - ENVELOPE_BYTES - 2, 3)  # 2: the commas
    shard.put(1, 2, size=third)
    shard.put(3, size=third + rest)
    shard.put(4)
    shard.run_for(5)
    assert shard.batches == [[1, 2, 3]]
    assert len(event_of(shard.stream[:3])) == PAYLOAD_LIMIT_BYTES


def test_one_byte_too_many_waits_for_the_next_batch() -> None:
    shard = SimulatedShard(settings(batch_size=100, window_seconds=300))
    half = (PAYLOAD_LIMIT_BYTES - ENVELOPE_BYTES - 1) // 2
    shard.put(1, size=half)
    shard.put(2, size=half + 2)
    shard.run_for(5)
    assert shard.batches == [[1]]


def test_a_record_larger_than_the_payload_goes_alone() -> None:
    shard = SimulatedShard(settings(batch_size=100))
    shard.put(1)
    shard.put(2, size=PAYLOAD_LIMIT_BYTES + 1)
    shard.put(3)
    shard.run()
    assert shard.batches == [[1], [2], [3]]


# [polling]


def test_an_idle_shard_is_read_once_a_poll_interval() -> None:
    rules = ShardRules(settings(), poll_seconds=1.0)
    assert isinstance(rules.step(10.0), Read)
    rules.on_read([], began=10.0, now=10.25, behind=False)
    assert rules.step(10.25) == Wait(0.75)


def test_a_slow_stream_is_asked_less_often() -> None:
    rules = ShardRules(settings(), poll_seconds=1.0)
    rules.step(10.0)
    rules.on_read([], began=10.0, now=12.0, behind=False)
    assert rules.step(12.0) == Wait(6.0)


def test_a_shard_with_more_records_is_read_on_at_once() -> None:
    rules = ShardRules(settings(window_seconds=60), poll_seconds=1.0)
    rules.step(10.0)
    rules.on_read([record(1, arrival=10)], began=10.0, now=10.1, behind=True)
    assert isinstance(rules.step(10.1), Read)


def test_no_read_asks_for_more_than_a_batch_has_room_for() -> None:
    rules = ShardRules(settings(batch_size=10, window_seconds=60))
    rules.step(10.0)
    rules.on_read([record(n, arrival=10) for n in range(4)], began=10.0, now=10.0, behind=True)
    assert rules.step(10.0) == Read(6)


def test_reading_that_fails_backs_off_exponentially_and_recovers() -> None:
    rules = ShardRules(settings(), poll_seconds=0.1, backoff=Backoff(first=1.0, factor=2.0, most=3.0))
    waits, now = [], 0.0
    for _ in range(4):
        assert isinstance(rules.step(now), Read)
        rules.on_read_failed(now)
        action = rules.step(now)
        assert isinstance(action, Wait)
        waits.append(action.seconds)
        now += action.seconds
    assert waits == [1.0, 2.0, 3.0, 3.0]
    rules.on_read([], began=now, now=now, behind=False)
    rules.on_read_failed(now)
    assert rules.step(now) == Wait(1.0)


def test_a_read_vouches_for_the_time_it_began_not_for_the_time_it_ended() -> None:
    rules = ShardRules(settings())
    rules.step(10.0)
    rules.on_read([], began=10.0, now=12.0, behind=False)
    assert rules.tip_at == 10.0


def test_a_closed_shard_is_read_no_more() -> None:
    rules = ShardRules(settings())
    rules.step(0.0)
    rules.on_read([record(1)], began=0.0, now=0.0, behind=False)
    rules.on_closed()
    batch = rules.step(0.0)
    rules.on_result(success(), 1, 0.0)
    assert batch != rules.step(1e9) == Wait(float("inf"))
    assert rules.tip_at == float("inf")


# Order and checkpoint


def test_the_next_batch_waits_until_this_one_is_handled() -> None:
    shard = SimulatedShard(settings(batch_size=2), in_turn([error(), error()]))
    shard.put(1, 2, 3, 4)
    shard.run()
    assert shard.batches == [[1, 2], [1, 2], [1, 2], [3, 4]]


def test_the_checkpoint_is_the_last_record_handled() -> None:
    shard = SimulatedShard(settings(batch_size=2), raises_on(3))
    shard.put(1, 2, 3)
    shard.run_for(10)
    assert shard.rules.checkpoint == record(2).sequence


# [retain] retries


@pytest.mark.fault("F34")
def test_a_failed_batch_is_retried_whole_by_default() -> None:
    shard = SimulatedShard(settings(), in_turn([error("Sandbox.Timedout"), error("Runtime.ExitError")]))
    shard.put(1, 2, 3)
    shard.run()
    assert shard.batches == [[1, 2, 3]] * 3
    assert shard.rules.counts.retries == 2


def test_retries_back_off_exponentially_up_to_a_limit() -> None:
    shard = SimulatedShard(settings(), in_turn([error()] * 6), backoff=Backoff(first=1.0, factor=2.0, most=8.0))
    shard.put(1)
    shard.run()
    times = [at for at, _ in shard.invocations]
    assert [round(later - earlier) for earlier, later in pairwise(times)] == [1, 2, 4, 8, 8, 8]


def test_after_the_allowed_retries_the_batch_is_given_up_and_the_shard_goes_on() -> None:
    shard = SimulatedShard(settings(batch_size=2, max_retries=2), raises_on(1))
    shard.put(1, 2, 3)
    shard.run()
    assert shard.batches == [[1, 2]] * 3 + [[3]]
    assert shard.discards == [([1, 2], Condition.RETRIES)]
    assert shard.rules.counts.retries == 2
    assert shard.given_up[0].batch.invocations == 3


def test_no_retry_at_all_is_possible() -> None:
    shard = SimulatedShard(settings(max_retries=0), raises_on(1))
    shard.put(1)
    shard.run()
    assert shard.batches == [[1]]
    assert shard.discards == [([1], Condition.RETRIES)]


def test_a_failing_batch_delays_the_next_by_no_back_off_once_given_up() -> None:
    shard = SimulatedShard(settings(batch_size=1, max_retries=0), raises_on(1))
    shard.put(1, 2)
    shard.run_for(0.5)
    assert shard.batches == [[1], [2]]


def test_without_a_limit_a_batch_is_retried_until_its_records_expire() -> None:
    shard = SimulatedShard(settings(max_retries=-1, retention_seconds=3600), raises_on(1))
    shard.put(1)
    shard.run()
    assert shard.discards == [([1], Condition.AGE)]
    assert 4600 <= shard.now < 4610
    assert shard.rules.counts.retries > 100


def test_a_throttle_backs_off_and_is_no_retry() -> None:
    shard = SimulatedShard(settings(max_retries=0), in_turn([throttle()] * 4))
    shard.put(1)
    shard.run()
    ((at, batch),) = shard.invocations
    assert batch == [1]
    assert round(at) == 1000 + 1 + 2 + 4 + 8
    assert shard.discards == []
    assert shard.rules.counts.throttled == 4


def test_the_back_off_of_throttles_starts_anew_after_an_answer() -> None:
    answers = [throttle(), throttle(), throttle(), success(), throttle(), success()]
    shard = SimulatedShard(settings(batch_size=1), in_turn(answers))
    shard.put(1, 2)
    shard.run()
    (first, _), (second, _) = shard.invocations
    assert round(second - first) == 1


def test_a_throttled_batch_is_given_up_once_too_old() -> None:
    shard = SimulatedShard(settings(max_age_seconds=60), lambda batch: throttle())
    shard.put(1)
    shard.run()
    assert shard.invocations == []
    assert shard.discards == [([1], Condition.AGE)]


# [retain] age


def test_records_too_old_when_read_never_reach_the_function() -> None:
    shard = SimulatedShard(settings(max_age_seconds=60))
    shard.put(1, 2, arrival=900.0)
    shard.put(3)
    shard.run()
    assert shard.discards == [([1, 2], Condition.AGE)]
    assert shard.batches == [[3]]
    assert shard.given_up[0].batch.last is None


def test_of_a_failing_batch_only_the_records_too_old_are_given_up() -> None:
    shard = SimulatedShard(settings(max_age_seconds=60), raises_on(1), take=10.0)
    shard.put(1, arrival=990.0)
    shard.put(2)
    shard.run()
    assert shard.discards == [([1], Condition.AGE)]
    assert shard.batches[-1] == [2]
    assert shard.done == [1, 2]


def test_a_record_exactly_as_old_as_allowed_is_still_handled() -> None:
    shard = SimulatedShard(settings(max_age_seconds=60))
    shard.put(1, arrival=940.0)
    shard.run()
    assert shard.discards == []


# [retain] BisectBatchOnFunctionError


def test_bisecting_isolates_a_bad_record_and_handles_all_others_in_order() -> None:
    shard = SimulatedShard(settings(bisect=True, max_retries=1), raises_on(6))
    shard.put(*range(1, 9))
    shard.run()
    assert shard.discards == [([6], Condition.RETRIES)]
    assert shard.done == [1, 2, 3, 4, 5, 6, 7, 8]
    assert shard.batches == [[*range(1, 9)], [1, 2, 3, 4], [5, 6, 7, 8], [5, 6], [5], [6], [6], [7, 8]]


def test_splitting_uses_up_no_retry() -> None:
    shard = SimulatedShard(settings(bisect=True, max_retries=0), raises_on(1))
    shard.put(*range(1, 9))
    shard.run()
    assert shard.discards == [([1], Condition.RETRIES)]
    assert shard.rules.counts.retries == 0
    assert shard.rules.counts.splits == 3


def test_splitting_holds_for_timeouts_and_crashes_too() -> None:
    shard = SimulatedShard(settings(bisect=True), in_turn([error("Sandbox.Timedout"), error("Runtime.ExitError")]))
    shard.put(1, 2, 3, 4)
    shard.run()
    assert shard.batches == [[1, 2, 3, 4], [1, 2], [1], [2], [3, 4]]


def test_without_bisect_one_bad_record_takes_its_batch_along() -> None:
    shard = SimulatedShard(settings(bisect=False, max_retries=0), raises_on(2))
    shard.put(1, 2, 3)
    shard.run()
    assert shard.discards == [([1, 2, 3], Condition.RETRIES)]


# [partial] ReportBatchItemFailures


@pytest.mark.fault("F33")
def test_a_partial_failure_goes_on_at_the_lowest_reported_record() -> None:
    shard = SimulatedShard(settings(), in_turn([report(4, 3, 5)]))
    shard.put(1, 2, 3, 4, 5)
    shard.run()
    assert shard.batches == [[1, 2, 3, 4, 5], [3, 4, 5]]


def test_a_partial_failure_moves_the_checkpoint_up_to_the_record_before() -> None:
    shard = SimulatedShard(settings(), reports_first_of(3))
    shard.put(1, 2, 3)
    shard.run_for(0.5)
    assert shard.rules.checkpoint == record(2).sequence


def test_a_partial_failure_uses_up_a_retry() -> None:
    shard = SimulatedShard(settings(max_retries=2), reports_first_of(3))
    shard.put(1, 2, 3, 4)
    shard.run()
    assert shard.batches == [[1, 2, 3, 4], [3, 4], [3, 4]]
    assert shard.discards == [([3, 4], Condition.RETRIES)]


def test_with_bisect_the_cut_is_at_the_reported_record_and_uses_up_no_retry() -> None:
    shard = SimulatedShard(settings(bisect=True, max_retries=0), in_turn([report(3), report(4)]))
    shard.put(1, 2, 3, 4, 5)
    shard.run()
    assert shard.batches == [[1, 2, 3, 4, 5], [3, 4, 5], [4, 5]]
    assert shard.discards == []
    assert shard.rules.counts.splits == 2


def test_with_bisect_a_report_of_the_first_record_splits_in_the_middle() -> None:
    """Nothing succeeded, so there is nothing to cut off: the batch has failed whole."""
    shard = SimulatedShard(settings(bisect=True, max_retries=1), reports_first_of(1))
    shard.put(1, 2, 3, 4)
    shard.run()
    assert shard.batches == [[1, 2, 3, 4], [1, 2], [1], [1], [2], [3, 4]]
    assert shard.discards == [([1], Condition.RETRIES)]


def test_one_poison_record_of_many_is_the_only_one_given_up() -> None:
    shard = SimulatedShard(settings(bisect=True, batch_size=100, max_retries=10), reports_first_of(50))
    shard.put(*range(1, 82))
    shard.run()
    assert shard.discards == [([50], Condition.RETRIES)]
    assert shard.done == [*range(1, 82)]


def test_an_answer_of_another_shape_fails_the_whole_batch_and_splits_it() -> None:
    shard = SimulatedShard(settings(bisect=True), in_turn([success(b'{"batchItemFailures": [{"id": "7"}]}')]))
    shard.put(1, 2)
    shard.run()
    assert shard.batches == [[1, 2], [1], [2]]


def test_reports_are_ignored_unless_the_mapping_asks_for_them() -> None:
    shard = SimulatedShard(settings(report_item_failures=False), lambda batch: report(batch[0]))
    shard.put(1, 2)
    shard.run()
    assert shard.batches == [[1, 2]]
    assert shard.done == [1, 2]


# What a supervisor asks


def test_a_shard_is_drained_only_after_a_read_that_began_later_found_its_end() -> None:
    shard = SimulatedShard(settings(window_seconds=5), poll_seconds=1.0)
    shard.run_for(3)
    asked = shard.now
    assert (shard.rules.empty, shard.rules.tip_at >= asked) == (True, False)
    shard.put(1)
    shard.run_for(2)
    assert (shard.rules.empty, shard.done) == (False, [])
    shard.run()
    assert (shard.rules.empty, shard.rules.tip_at >= asked) == (True, True)
    assert shard.done == [1]
