"""The vendor's own client, unmodified, over HTTP."""

from datetime import UTC, datetime

import pytest
from polygon import RESTClient  # type: ignore[import-untyped]  # the vendor ships no types
from polygon.exceptions import BadResponse  # type: ignore[import-untyped]  # the vendor ships no types

from tests.unit.serving_layer.doubles import MINUTE, NOW_S, T0, Api, minute_of
from tests.unit.serving_layer.http_shim import serving


@pytest.fixture(scope="module")
def api() -> Api:
    api = Api()
    for i in range(25):
        t = T0 + i * MINUTE
        partial = minute_of(t, first=16_742 + i, last=16_750 + i, high=16_800 + i, low=16_700 + i, size=100 + i)
        api.rows.put_base("SPY", t, partial, NOW_S)
    return api


@pytest.mark.parametrize("sort", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 7, 25, 50_000])
def test_the_client_pages_through_every_bar_once_in_order(api: Api, sort: str, limit: int) -> None:
    asked: list[str] = []
    with serving(api, asked) as base:
        client = RESTClient(api_key="cv_1_2", base=base)
        bars = list(client.list_aggs("SPY", 1, "minute", "2013-10-08", "2013-10-08", sort=sort, limit=limit))
    expected = [T0 + i * MINUTE for i in range(25)]
    assert [bar.timestamp for bar in bars] == (expected if sort == "asc" else expected[::-1])
    assert len(asked) == -(-25 // limit)
    first = min(bars, key=lambda bar: bar.timestamp)
    assert (first.open, first.high, first.low, first.close) == (167.42, 168.0, 167.0, 167.5)
    assert (first.volume, first.vwap, first.transactions) == (100, 167.46, 2)


def test_the_client_may_pass_times_and_its_own_filters(api: Api) -> None:
    asked: list[str] = []
    with serving(api, asked) as base:
        client = RESTClient(api_key="cv_1_2", base=base)
        moment = datetime.fromtimestamp(T0 / 1000, UTC)
        bars = client.get_aggs("SPY", 5, "minute", moment, moment.replace(minute=54), adjusted=False)
    assert [bar.timestamp for bar in bars] == [T0 + i * MINUTE for i in (0, 5, 10, 15, 20)]
    assert str(T0) in asked[0]


def test_the_client_sees_no_bars_where_there_are_none_and_the_words_of_a_refusal(api: Api) -> None:
    with serving(api, []) as base:
        client = RESTClient(api_key="cv_1_2", base=base)
        assert list(client.list_aggs("ZZZZQ", 1, "minute", "2013-10-08", "2013-10-08")) == []
        with pytest.raises(BadResponse, match="not served yet"):
            client.get_aggs("SPY", 1, "week", "2013-10-08", "2013-10-08")
