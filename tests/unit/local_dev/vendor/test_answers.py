"""REST objects built from recorded lines."""

import json

from local_dev.vendor.answers import snapshot_object, trade_object

FULL = (
    b'{"ev":"T","sym":"A\\"B","x":4,"i":"52983525029461","z":3,"p":167.4200,"s":1e2,"c":[14, 41],'
    b'"t":1381219217034,"q":7,"trfi":202,"trft":1381219217030,"ds":"0.10","new":{"p":1}}'
)
BARE = b'{"ev":"T","sym":"SPY","x":12,"i":"1","p":0.30000000000000004,"s":210,"c":[ ],"t":1381219217034,"q":1,"trfi":0}'


def test_numbers_keep_the_digits_they_were_recorded_with() -> None:
    assert b'"price":167.4200,"size":1e2,' in trade_object(FULL)
    assert b'"price":0.30000000000000004,' in trade_object(BARE)
    assert b'"lastTrade":{"p":167.4200,"s":1e2,' in snapshot_object(FULL)


def test_a_trade_has_the_vendors_fields_with_times_in_nanoseconds() -> None:
    assert json.loads(trade_object(FULL)) == {
        "price": 167.42,
        "size": 100.0,
        "exchange": 4,
        "id": "52983525029461",
        "conditions": [14, 41],
        "sip_timestamp": 1_381_219_217_034_000_000,
        "sequence_number": 7,
        "tape": 3,
        "trf_id": 202,
        "trf_timestamp": 1_381_219_217_030_000_000,
        "decimal_size": "0.10",
    }


def test_keys_without_a_value_are_left_out() -> None:
    assert set(json.loads(trade_object(BARE))) == {
        *("price", "size", "exchange", "id", "sip_timestamp", "sequence_number"),
    }
    assert set(json.loads(snapshot_object(BARE))["lastTrade"]) == {"p", "s", "x", "i", "t"}


def test_a_snapshot_knows_the_last_trade() -> None:
    ns = 1_381_219_217_034_000_000
    last = {"p": 167.42, "s": 100.0, "x": 4, "c": [14, 41], "i": "52983525029461", "t": ns}
    assert json.loads(snapshot_object(FULL)) == {"ticker": 'A"B', "updated": ns, "lastTrade": last}
