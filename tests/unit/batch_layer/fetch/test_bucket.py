"""Laws of the token bucket."""

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from batch_layer.fetch.bucket import TokenBucket

gaps = st.lists(st.integers(0, 90), min_size=1, max_size=60)
quotas = st.integers(1, 7)


def begun(calls: int, gaps: list[int], period: int = 60) -> list[tuple[int, int]]:
    """(asked, begun) of callers that come so far apart and wait until they may begin."""
    bucket, result, now = TokenBucket(calls, period), [], 0
    for gap in gaps:
        now += gap
        at = int(bucket.take(now))
        result.append((now, at))
        now = at
    return result


@given(quotas, gaps)
def test_no_minute_sees_more_calls_than_the_quota(calls: int, gaps: list[int]) -> None:
    starts = [at for _, at in begun(calls, gaps)]
    for start in starts:
        assert sum(start <= other < start + 60 for other in starts) <= calls


@given(quotas, gaps)
def test_a_call_waits_only_while_the_minute_before_it_is_full(calls: int, gaps: list[int]) -> None:
    made = begun(calls, gaps)
    for number, (asked, at) in enumerate(made):
        earlier = [other for _, other in made[:number]]
        if at > asked:
            assert sum(at - 1 - 60 < other <= at - 1 for other in earlier) == calls, "a second earlier was too early"
        else:
            assert at == asked


@given(quotas, gaps, st.integers(0, 500))
def test_no_call_begins_while_the_bucket_is_held(calls: int, gaps: list[int], until: int) -> None:
    bucket = TokenBucket(calls)
    bucket.hold(until)
    bucket.hold(until - 100)  # a shorter wish does not end a longer one
    assert all(bucket.take(now) >= until for now in accumulate(gaps))


def test_five_calls_a_minute_are_five_at_once_and_then_five_a_minute() -> None:
    bucket = TokenBucket(5)
    assert [bucket.take(0.0) for _ in range(12)] == [0.0] * 5 + [60.0] * 5 + [120.0] * 2
