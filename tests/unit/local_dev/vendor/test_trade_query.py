"""Parameters of the trades route."""

import base64

import pytest

from local_dev.vendor.parameters import BadParameterError
from local_dev.vendor.trade_query import EARLIEST_MS, LATEST_MS, parse_query

NOON_MS = 1_381_248_000_000
NOON_NS = NOON_MS * 1_000_000
DAY = (1_381_204_800_000, 1_381_291_200_000 - 1)  # 2013-10-08 in New York


def test_defaults_are_the_vendors() -> None:
    query = parse_query({"unknown": "ignored"})
    assert (query.first_ms, query.last_ms, query.descending, query.limit) == (EARLIEST_MS, LATEST_MS, True, 1000)


@pytest.mark.parametrize(
    ("filters", "window"),
    [
        ({"timestamp": f"{NOON_NS}"}, (NOON_MS, NOON_MS)),
        ({"timestamp": f"{NOON_NS + 1}"}, (NOON_MS + 1, NOON_MS)),
        ({"timestamp": "2013-10-08"}, DAY),
        ({"timestamp.gte": f"{NOON_NS}"}, (NOON_MS, LATEST_MS)),
        ({"timestamp.gte": f"{NOON_NS + 1}"}, (NOON_MS + 1, LATEST_MS)),
        ({"timestamp.gt": f"{NOON_NS}"}, (NOON_MS + 1, LATEST_MS)),
        ({"timestamp.gt": f"{NOON_NS - 1}"}, (NOON_MS, LATEST_MS)),
        ({"timestamp.lte": f"{NOON_NS + 5}"}, (EARLIEST_MS, NOON_MS)),
        ({"timestamp.lt": f"{NOON_NS}"}, (EARLIEST_MS, NOON_MS - 1)),
        ({"timestamp.lt": f"{NOON_NS + 1}"}, (EARLIEST_MS, NOON_MS)),
        ({"timestamp.gte": "2013-10-08", "timestamp.lte": "2013-10-08"}, DAY),
        ({"timestamp.gt": "2013-10-08"}, (DAY[1] + 1, LATEST_MS)),
        ({"timestamp.lt": "2013-10-08"}, (EARLIEST_MS, DAY[0] - 1)),
        ({"timestamp.gte": f"{NOON_MS}"}, (NOON_MS, LATEST_MS)),
        ({"timestamp.gte": f"{NOON_MS // 1000}"}, (NOON_MS, LATEST_MS)),
        ({"timestamp.gte": "0"}, (0, LATEST_MS)),
    ],
    ids=str,
)
def test_filters_become_whole_milliseconds_with_both_ends_included(
    filters: dict[str, str], window: tuple[int, int]
) -> None:
    query = parse_query(filters)
    assert (query.first_ms, query.last_ms) == window


def test_a_cursor_carries_every_parameter_and_wins_over_the_ones_beside_it() -> None:
    given = {"timestamp.gte": "2013-10-08", "timestamp.lt": f"{NOON_NS}", "order": "asc", "limit": "7"}
    first = parse_query(given | {"apiKey": "secret"})
    cursor = first.next_cursor(41)
    assert "secret" not in base64.urlsafe_b64decode(cursor + "==").decode()
    following = parse_query({"cursor": cursor, "limit": "999", "order": "desc"})
    assert following.after_row == 41
    assert (following.first_ms, following.last_ms) == (first.first_ms, first.last_ms)
    assert (following.descending, following.limit) == (False, 7)
    assert following.next_cursor(41) == cursor


@pytest.mark.parametrize(
    "parameters",
    [
        {"order": "up"},
        {"sort": "price"},
        {"limit": "0"},
        {"limit": "50001"},
        {"limit": "-5"},
        {"limit": "many"},
        {"timestamp": "yesterday"},
        {"timestamp.gte": "2013-02-30"},
        {"timestamp.lt": "1e9"},
        {"cursor": "%%%"},
        {"cursor": "bGltaXQ9Mg"},
        {"cursor": ""},
        {"cursor": base64.urlsafe_b64encode(b"after=x").decode()},
    ],
    ids=str,
)
def test_a_parameter_that_cannot_be_used_is_named(parameters: dict[str, str]) -> None:
    with pytest.raises(BadParameterError, match=next(iter(parameters))):
        parse_query(parameters)
