"""Custom bars, request by request."""

from tests.unit.serving_layer.doubles import MINUTE, NOW_S, T0, Api, minute_of

DAY = "/v2/aggs/ticker/SPY/range/1/minute/2013-10-08/2013-10-08"


def test_a_minute_bar_has_polygons_fields_in_plain_decimals() -> None:
    api = Api()
    api.rows.put_base(
        "SPY", T0, minute_of(T0, first=16742, last=16750, high=16800, low=16700, size=250, count=7), NOW_S
    )
    body = api.get(DAY)
    assert body == {
        "ticker": "SPY",
        "queryCount": 1,
        "resultsCount": 1,
        "count": 1,
        "adjusted": True,
        "status": "OK",
        "request_id": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        "results": [
            {"v": 250, "vw": 167.46, "o": 167.42, "c": 167.5, "h": 168, "l": 167, "t": T0, "n": 7},
        ],
    }


def test_paging() -> None:
    api = Api()
    for i in range(10):
        t = T0 + i * MINUTE
        api.rows.put_base("SPY", t, minute_of(t, first=16742, last=16750, high=16800, low=16700), NOW_S)
    for sort in ("asc", "desc"):
        url, seen = f"{DAY}?limit=3&sort={sort}", []
        while url:
            body = api.get(url)
            seen += [bar["t"] for bar in body["results"]]
            url = body.get("next_url", "").removeprefix("https://bars.example.com")
        assert seen == sorted((T0 + i * MINUTE for i in range(10)), reverse=sort == "desc")
