"""Every trade that arrives is accepted, a duplicate, waiting or quarantined, and bad input hurts nobody else."""

import json
from typing import Any

import pytest

from shared.polygon.trades import event_of
from speed_layer.ingest.intake import KINDS
from tests.unit.speed_layer.feed import MINUTE, S0, T0, Rig, frame, trade

HOUR = 60 * MINUTE
DAY = 24 * HOUR


@pytest.mark.fault("F11", "F13")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"p": float("nan")}, "price"),
        ({"p": float("inf")}, "price"),
        ({"p": 0}, "price"),
        ({"p": -1.5}, "price"),
        ({"p": 1e300}, "price"),
        ({"p": 1e-10}, "price"),
        ({"p": "10"}, "shape"),
        ({"p": True}, "shape"),
        ({"p": None}, "shape"),
        ({"s": -100}, "size"),
        ({"s": 1e-7}, "size"),
        ({"ds": "NaN"}, "size"),
        ({"ds": "-1"}, "size"),
        ({"i": ""}, "shape"),
        ({"i": 7}, "shape"),
        ({"i": "\ud800"}, "shape"),
        ({"sym": "no such symbol!"}, "symbol"),
        ({"sym": ""}, "symbol"),
        ({"t": T0 // 1000}, "shape"),
        ({"t": T0 * 1000}, "shape"),
        ({"t": T0 + 0.5}, "shape"),
        ({"q": -1}, "shape"),
        ({"c": "12"}, "shape"),
        ({"t": T0 + 4 * DAY}, "no_session"),  # a Saturday
    ],
    ids=str,
)
def test_a_trade_that_breaks_a_rule_is_quarantined_with_its_reason_and_its_neighbours_are_taken(
    changes: dict[str, Any], reason: str
) -> None:
    rig = Rig()
    rig.take(trade(1), trade(2, **changes), trade(3))
    assert rig.totals() == (2, 0, 1, 0)
    assert rig.intake.quarantined == {reason: 1}
    ((told, data),) = rig.refused()
    assert told == reason
    assert b'"q":2' in data.replace(b" ", b"") or "q" in changes, "with its bytes"


@pytest.mark.fault("F09")
@pytest.mark.parametrize(
    "data",
    [
        frame(trade(1))[:-5],
        b"",
        b"\xff\xfe\xfd",
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
    ],
    ids=["cut short", "empty", "no text", "opened 100,000 times", "nested 100,000 deep"],
)
def test_a_frame_that_cannot_be_read_is_quarantined_and_the_next_is_taken(data: bytes) -> None:
    rig = Rig()
    rig.intake.take(data)
    rig.take(trade(1))
    assert rig.totals() == (1, 0, 1, 0)
    assert rig.intake.quarantined == {"frame": 1}
    assert rig.refused() == [("frame", data[:4096])]


@pytest.mark.fault("F09")
@pytest.mark.parametrize(
    "element",
    [b'{"ev":"T","q":' + b"9" * 5_000 + b"}", b'{"ev":"T","sym":"' + b"\xc3\x28" + b'"}'],
    ids=["5,000 digits", "no UTF-8"],
)
def test_an_element_that_cannot_be_read_does_not_take_its_neighbours_along(element: bytes) -> None:
    rig = Rig()
    rig.intake.take(frame(trade(1))[:-1] + b"," + element + b"," + frame(trade(2))[1:])
    assert rig.totals() == (2, 0, 1, 0)
    assert rig.intake.quarantined == {"frame": 1}
    assert rig.refused() == [("frame", element[:4096])]


@pytest.mark.fault("F09")
@pytest.mark.parametrize("depth", [10, 500, 900, 990, 1_000, 1_100, 5_000])
@pytest.mark.parametrize("place", ['{"ev":"T","c":%s}', '{"ev":%s}', '{"ev":"status","status":%s}', "%s"])
def test_no_depth_of_nesting_stops_the_intake(place: str, depth: int) -> None:
    rig = Rig()
    rig.intake.take(("[" + place % ("[" * depth + "]" * depth) + "]").encode())
    rig.take(trade(1))
    assert rig.totals()[0] == 1


@pytest.mark.fault("F13")
def test_a_lone_trade_10_s_ahead_is_quarantined_and_moves_nothing() -> None:
    rig = Rig()
    rig.take(trade(1), trade(2, T0 + 10_000), *(trade(n, T0 + n) for n in (3, 4, 5)))
    assert rig.totals() == (4, 0, 1, 0)
    assert rig.intake.quarantined == {"future": 1}
    assert rig.clock.now_ms == T0 + 5


@pytest.mark.fault("F10")
def test_unknown_events_are_counted_by_kind_and_are_no_trades() -> None:
    rig = Rig()
    rig.take(trade(1), {"ev": "XT"}, {"ev": "XT"}, {"ev": "LULD"}, "text", 5, None, {}, {"ev": None}, {"ev": ""})
    assert rig.totals() == (1, 0, 0, 0)
    assert rig.intake.ignored == {"XT": 2, "LULD": 1, "not_an_object": 3, "no_ev": 1, "None": 1, "empty": 1}


def test_kinds_of_unknown_events_stay_few_short_and_printable() -> None:
    rig = Rig()
    rig.take(*({"ev": f"{n}" * 100} for n in range(200)), {"ev": "\ud800"})
    assert len(rig.intake.ignored) == KINDS + 1
    assert sum(rig.intake.ignored.values()) == 201
    assert all(len(name.encode("ascii")) <= 40 for name in rig.intake.ignored)


def test_status_events_among_trades_are_kept_for_the_caller() -> None:
    rig = Rig()
    rig.take(trade(1), {"ev": "status", "status": "feed_ended"})
    assert rig.intake.statuses == [{"ev": "status", "status": "feed_ended"}]
    assert rig.totals() == (1, 0, 0, 0)


def test_one_object_without_an_array_is_taken_too() -> None:
    rig = Rig()
    rig.intake.take(json.dumps(trade(1)).encode())
    assert rig.totals() == (1, 0, 0, 0)


@pytest.mark.fault("F10")
def test_new_fields_do_not_keep_a_trade_out() -> None:
    rig = Rig()
    rig.take(trade(1, brand_new={"a": [1]}))
    assert rig.totals() == (1, 0, 0, 0)


@pytest.mark.fault("F12")
def test_a_size_as_decimal_text_wins_and_a_trade_without_size_updates_nothing() -> None:
    rig = Rig()
    rig.take(trade(1, s=1, ds="1.7"), trade(2, s=0), trade(3, s=0.25))
    (part,) = rig.parts()
    assert [row.s for row in part.trades] == ["1.7", "0", "0.25"]
    assert part.bar is not None
    assert (part.bar.volume, part.bar.count) == ("1.95", 2)


# -- identity ---------------------------------------------------------------------------------------------------------


@pytest.mark.fault("F14")
def test_the_very_first_trade_again_is_a_duplicate() -> None:
    rig = Rig()
    rig.take(trade(1))
    rig.take(trade(1))
    assert rig.totals() == (1, 1, 0, 0)


def test_identity_is_symbol_exchange_facility_and_id() -> None:
    rig = Rig()
    first = trade(1)
    rig.take(first, first | {"sym": "BAC"}, first | {"x": 11}, first | {"trfi": 201}, first | {"i": "other"})
    assert rig.totals() == (5, 0, 0, 0)
    rig.take(first | {"q": 99, "t": T0 + 5, "s": 1, "c": [37]})
    assert rig.totals() == (5, 1, 0, 0), "nothing else tells trades apart"


def test_an_absent_facility_is_facility_0() -> None:
    rig = Rig()
    rig.take(trade(1), trade(1, trfi=0))
    assert rig.totals() == (1, 1, 0, 0)


def test_the_same_identity_with_another_price_is_a_conflict_and_the_first_is_kept() -> None:
    rig = Rig()
    rig.take(trade(1), trade(1, p=12.5), trade(1))
    assert rig.totals() == (1, 1, 1, 0)
    assert rig.intake.quarantined == {"conflict": 1}
    assert [row.p for part in rig.parts() for row in part.trades] == ["167.42"]


def test_the_next_trade_date_starts_with_no_identities() -> None:
    rig = Rig()
    rig.take(trade(1), trade(1, T0 + DAY), trade(2, T0 + DAY))
    rig.take(trade(1, T0 + DAY))
    assert rig.totals() == (3, 1, 0, 0)


def test_the_trade_date_changes_at_new_york_midnight() -> None:
    rig = Rig()
    midnight = T0 + 14 * HOUR + 30 * MINUTE
    rig.take(trade(1, midnight - 1), trade(1, midnight))
    assert rig.totals() == (2, 0, 0, 0)
    rig.take(trade(1, midnight - 1, q=7), trade(1, midnight + 1, q=8))
    assert rig.totals() == (2, 2, 0, 0)


@pytest.mark.fault("F14")
@pytest.mark.parametrize("offset", [0, 1, 7, 20])
@pytest.mark.parametrize("every", [1, 3, 10])
def test_an_identity_is_remembered_for_at_least_21_minutes_of_feed_time(offset: int, every: int) -> None:
    rig = Rig()
    rig.take(trade(0, T0 - 5), trade(1, T0 - 5))
    for n in range(1, 43):  # other symbols move the clock
        t = T0 + n * MINUTE
        rig.take(trade(n, t, sym="BAC"), trade(n, t, sym="AIG"))
        if n == offset:
            rig.take(trade(99, t))
        if n == offset + 21 and offset:
            rig.take(trade(99, T0 + offset * MINUTE))
        if n % every == 0:
            rig.decide()
    assert rig.intake.duplicates == (offset > 0)


def test_a_long_quiet_frame_does_not_shorten_the_memory() -> None:
    rig = Rig()
    trades = [trade(n, T0 + n * 1_900) for n in range(1_000)]  # 32 minutes in one frame
    rig.take(*trades)
    for n in range(22):
        rig.take(trade(5_000 + n, T0 + 999 * 1_900 + n), trade(6_000 + n, T0 + 999 * 1_900 + n))
        rig.decide()
    rig.take(*trades[-600:])
    assert rig.totals() == (1_044, 600, 0, 0)


def test_while_the_promise_stands_nothing_is_forgotten_however_far_the_feed_goes() -> None:
    rig = Rig()
    rig.take(trade(0))
    rig.decide()
    for n in range(1, 100):
        rig.take(trade(n, T0 + n * MINUTE), trade(n, T0 + n * MINUTE, sym="BAC"))
    _refill(rig, *(trade(n, T0 + n * MINUTE) for n in range(100)))
    assert rig.totals() == (199, 100, 0, 0), "a gap is refilled from the promise on"


def test_memory_is_given_back_in_time() -> None:
    rig = Rig()
    rig.take(trade(1))
    for n in range(2, 100):
        rig.take(trade(n, T0 + n * MINUTE), trade(n, T0 + n * MINUTE, sym="BAC"))
        rig.decide()
    rig.take(trade(1))
    assert rig.intake.duplicates == 0, "an hour and a half later"


def test_a_refuted_trade_is_forgotten_also_when_its_memory_has_aged_meanwhile() -> None:
    rig = Rig(T0, promise=S0)
    rig.take(trade(1, T0 + 10_000))
    rig.framer.promise += 22 * 60
    rig.take(*(trade(n, T0 + n) for n in (2, 3, 4)))
    rig.take(trade(1, T0 + 5))
    assert rig.totals() == (4, 0, 1, 0)


def test_a_trade_that_was_held_is_remembered_from_when_it_was_accepted() -> None:
    rig = Rig(T0, promise=S0)
    rig.take(trade(1, T0 + 10_000))
    for _ in range(2):
        rig.framer.promise += 22 * 60
        _refill(rig, trade(7, T0, sym="BAC"))
    rig.take(trade(2, T0 + 9_000))
    rig.take(trade(1, T0 + 10_000))
    assert rig.totals() == (3, 2, 0, 0)


def test_recovered_identities_are_duplicates() -> None:
    rig = Rig(T0)
    rig.intake.remember("SPY", T0 - 5, (12, 0, "1"), 167_420_000_000)
    rig.take(trade(1, T0 - 5), trade(2))
    assert rig.totals() == (1, 1, 0, 0)


def test_a_symbol_busier_than_the_tables_are_large_stays_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speed_layer.ingest.intake.TABLE_LIMIT", 3)
    rig = Rig()
    rig.take(*(trade(n, p=100 + n, s=n + 1, c=[n]) for n in range(50)))
    assert [row.p for part in rig.parts() for row in part.trades] == [str(100 + n) for n in range(50)]


@pytest.mark.fault("F18")
def test_unknown_conditions_are_counted() -> None:
    rig = Rig()
    rig.take(trade(1, c=[12]), trade(2, c=[1000]), trade(3, c=[1000]), trade(4, c=[14, 1000]))
    assert rig.intake.unknown_conditions == 3


def _refill(rig: Rig, *trades: dict[str, Any]) -> None:
    rig.intake.take_refill([event_of(element) for element in trades])
