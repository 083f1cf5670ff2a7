"""Whatever a function does, no record is lost, none overtakes another, and nothing is tried beyond its limits."""

from collections import Counter

import hypothesis
from hypothesis import given
from hypothesis import strategies as st

from local_dev.runtime.invocation import InvocationResult
from local_dev.runtime.mapping_rules import Condition
from local_dev.runtime.mapping_settings import MappingSettings
from tests.unit.local_dev.runtime.simulated_shard import (
    SimulatedShard,
    error,
    numbers,
    report,
    settings,
    success,
    throttle,
)

mappings = st.builds(
    settings,
    batch_size=st.integers(1, 12),
    window_seconds=st.sampled_from([0, 1, 5]),
    max_retries=st.sampled_from([-1, 0, 1, 3]),
    max_age_seconds=st.sampled_from([-1, 60, 300]),
    bisect=st.booleans(),
    report_item_failures=st.booleans(),
)
plans = st.lists(
    st.one_of(
        st.sampled_from(["ok", "raise", "throttle", "odd"]),
        st.lists(st.integers(0, 11), min_size=1, max_size=3),  # places to report
    ),
    max_size=40,
)


class Plan:
    """Answers by plan, then well; a poison record raises at any time, and is what a good handler would report."""

    def __init__(self, steps: list[str | list[int]], poison: set[int]) -> None:
        self.steps, self.poison = steps, poison

    def __call__(self, batch: list[int]) -> InvocationResult:
        step = self.steps.pop(0) if self.steps else "ok"
        if isinstance(step, list):
            return report(*(batch[place % len(batch)] for place in step))
        if step == "ok":
            return error() if self.poison & set(batch) else success()
        return {"raise": error(), "throttle": throttle(), "odd": success(b'{"batchItemFailures": "all"}')}[step]


@hypothesis.settings(deadline=None)  # a busy machine is no failure
@given(
    mapping=mappings,
    steps=plans,
    sizes=st.lists(st.sampled_from([10, 2_000_000, 3_500_000, 7_000_000]), min_size=1, max_size=25),
    gaps=st.lists(st.sampled_from([0.0, 0.5, 30.0, 400.0]), min_size=25, max_size=25),
    poison=st.sets(st.integers(0, 24), max_size=3),
    take=st.sampled_from([0.0, 0.2, 20.0]),
)
def test_every_record_is_handled_or_given_up_once_and_in_order(
    *,
    mapping: MappingSettings,
    steps: list[str | list[int]],
    sizes: list[int],
    gaps: list[float],
    poison: set[int],
    take: float,
) -> None:
    shard = SimulatedShard(mapping, Plan(steps, poison), take=take)
    checkpoints = []
    for number, (size, gap) in enumerate(zip(sizes, gaps, strict=False)):
        shard.run_for(gap)
        shard.put(number, size=size)
        checkpoints.append(int(shard.rules.checkpoint or -1))
    shard.run(seconds=200_000.0)

    assert shard.done == numbers(shard.stream)
    assert shard.rules.checkpoint == shard.stream[-1].sequence
    assert checkpoints == sorted(checkpoints)
    assert all(batch == list(range(batch[0], batch[-1] + 1)) for batch in shard.batches)
    assert all(len(batch) <= shard.mapping.batch_size for batch in shard.batches)
    counts = shard.rules.counts
    assert counts.discarded == sum(len(batch) for batch, _ in shard.discards)
    assert counts.records + counts.discarded == len(shard.stream)


@hypothesis.settings(deadline=None)
@given(steps=plans, count=st.integers(1, 30), batch_size=st.integers(1, 12), bisect=st.booleans())
def test_without_limits_nothing_is_given_up(
    *, steps: list[str | list[int]], count: int, batch_size: int, bisect: bool
) -> None:
    shard = SimulatedShard(settings(batch_size=batch_size, bisect=bisect), Plan(steps, set()))
    shard.put(*range(count))
    shard.run()
    assert shard.discards == []
    assert shard.done == list(range(count))


@hypothesis.settings(deadline=None)
@given(
    count=st.integers(1, 30),
    batch_size=st.integers(1, 12),
    poison=st.sets(st.integers(0, 29), max_size=4),
    retries=st.integers(0, 3),
    reporting=st.booleans(),
)
def test_bisecting_gives_up_the_poison_and_nothing_else(
    *, count: int, batch_size: int, poison: set[int], retries: int, reporting: bool
) -> None:
    def answer(batch: list[int]) -> InvocationResult:
        found = sorted(poison & set(batch))
        if not found:
            return success()
        return report(found[0]) if reporting else error()

    shard = SimulatedShard(settings(batch_size=batch_size, bisect=True, max_retries=retries), answer)
    shard.put(*range(count))
    shard.run()
    assert shard.discards == [([number], Condition.RETRIES) for number in sorted(poison) if number < count]
    alone = Counter(batch[0] for batch in shard.batches if len(batch) == 1 and batch[0] in poison)
    assert all(tries == 1 + retries for tries in alone.values())
