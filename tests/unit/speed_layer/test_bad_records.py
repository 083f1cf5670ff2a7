"""Bad records, S01 to S34: what a socket may send to the ingester, what a stream may hold for its readers.

Numbers are those of the security review. What is decided otherwise by design: a symbol is case-sensitive and any that
has the right shape is taken (S14); of a repeated identity the first price counts, whatever `q` says (S16 to S18);
signals are a function of bars alone, so an outlier that its conditions admit counts, and is told of (S08); an open may
lie outside of high and low (S29); a writer whose lease is over is stopped at its puts, not by readers (S28); a part is
one second by construction, and one that is not is set aside (S33).
"""

import gzip
import json
from typing import Any, cast

import pytest

from shared.bars.scale import parse_scaled
from shared.bars.sessions import new_york_sessions
from shared.clients.kinesis import PutRecords
from shared.errors import InvalidRecord, LeaseLost
from shared.frames import VERSION, BarRecord, Part, PartialWire, decode_bars, decode_frame, encode, partial_from_wire
from shared.stores.control import ControlStore
from speed_layer.archive.handler import archive, latest_promise
from speed_layer.ingest import lease
from speed_layer.ingest.publisher import Publisher
from speed_layer.ingest.recovery import Tail
from speed_layer.persist.handler import checked_bars
from tests.fakes import virtual_time
from tests.fakes.control_rows import ControlRows
from tests.fakes.kinesis import Kinesis
from tests.unit.speed_layer.consumers import ARRIVED, Consumers, kept
from tests.unit.speed_layer.feed import MINUTE, S0, T0, Rig, frame, trade
from tests.unit.speed_layer.records import heartbeat, part, record

DAY = 24 * 60 * MINUTE
WHOLE = frame(trade(1))[1:-1]


def raw(*pairs: tuple[str, Any]) -> bytes:
    """A frame of one trade with these fields added as text, whatever it has already."""
    return b"[" + WHOLE[:-1] + b"".join(f',"{key}":{value}'.encode() for key, value in pairs) + b"}]"


ACCEPTED, IGNORED = "accepted", "ignored"
FRAMES: list[tuple[str, bytes, str]] = [
    ("S01 cut short", b'[{"ev":"T","sym":', "frame"),
    ("S02 an object", b"{}", IGNORED),
    ("S02 text", b'"x"', IGNORED),
    ("S02 null", b"null", IGNORED),
    ("S02 nothing", b"[]", ""),
    ("S02 a number", b"[1]", IGNORED),
    ("S03 no ev", frame({"sym": "SPY"}), IGNORED),
    ("S03 unknown ev", frame({"ev": "ZZ", "sym": "SPY"}), IGNORED),
    ("S05 NaN", frame(trade(1, p=float("nan"))), "price"),
    ("S05 NaN as text", frame(trade(1, p="NaN")), "shape"),
    ("S05 1e400", frame(trade(1)).replace(b"167.42", b"1e400"), "price"),
    ("S05 null", frame(trade(1, p=None)), "shape"),
    ("S05 missing", frame({k: v for k, v in trade(1).items() if k != "p"}), "shape"),
    ("S06 zero", frame(trade(1, p=0)), "price"),
    ("S06 negative", frame(trade(1, p=-1)), "price"),
    ("S06 true", frame(trade(1, p=True)), "shape"),
    ("S06 text", frame(trade(1, p="182.1")), "shape"),
    ("S07 below a cent", frame(trade(1, p=182.123456789)), ACCEPTED),
    ("S08 a hundred times the price", frame(trade(1, p=16_742.0)), ACCEPTED),
    ("S09 no size", frame(trade(1, s=0)), ACCEPTED),
    ("S09 negative size", frame(trade(1, s=-1)), "size"),
    ("S09 a million million", frame(trade(1, s=1e12)), "size"),
    ("S09 fraction", frame(trade(1, s=1, ds="1.7")), ACCEPTED),
    ("S10 a sliver", frame(trade(1, s=0, ds="0.00042")), ACCEPTED),
    ("S11 seconds", frame(trade(1, T0 // 1000)), "shape"),
    ("S11 microseconds", frame(trade(1, T0 * 1000)), "shape"),
    ("S11 nanoseconds", frame(trade(1, T0 * 10**6)), "shape"),
    ("S13 time as text", frame({**trade(1), "t": str(T0)}), "shape"),
    ("S13 time missing", frame({k: v for k, v in trade(1).items() if k != "t"}), "shape"),
    ("S13 time true", frame(trade(1, t=True)), "shape"),
    ("S14 unknown symbol", frame(trade(1, sym="NOSUCH")), ACCEPTED),
    ("S14 lower case", frame(trade(1, sym="BACpL")), ACCEPTED),
    ("S14 40 letters", frame(trade(1, sym="A" * 40)), "symbol"),
    ("S14 emoji", frame(trade(1, sym="📈")), "symbol"),
    ("S14 empty", frame(trade(1, sym="")), "symbol"),
    ("S14 line end", frame(trade(1, sym="A\nB")), "symbol"),
    ("S14 test issue", frame(trade(1, sym="ZVZZT")), "test_issue"),
    ("S17 sequence far ahead", frame(trade(1, q=10**6)), ACCEPTED),
    ("S19 unknown condition", frame(trade(1, c=[999])), ACCEPTED),
    ("S19 null conditions", frame(trade(1, c=None)), "shape"),
    ("S19 conditions as text", frame(trade(1, c="12")), "shape"),
    ("S19 200 conditions", frame(trade(1, c=[1] * 200)), "shape"),
    ("S21 other keys", frame({"zz": {"y": [1]}, **dict(reversed(trade(1).items()))}), ACCEPTED),
    ("S22 price twice", raw(("p", 1)), "repeated_key"),
    ("S22 size twice", raw(("s", 1)), "repeated_key"),
    ("S22 time twice", raw(("t", T0 + 1)), "repeated_key"),
    ("S23 no UTF-8", b'[{"ev":"T","sym":"\xc3\x28"}]', "frame"),
    ("S23 half a surrogate pair", frame(trade(1, i="\ud800")), "shape"),
    ("S23 byte order mark", b"\xef\xbb\xbf" + frame(trade(1)), ACCEPTED),
    ("S24 nested 100,000 deep", b"[" * 100_000, "frame"),
    ("S24 5,000 digits", raw(("q", "9" * 5_000)), "frame"),
]


@pytest.mark.parametrize(("data", "outcome"), [one[1:] for one in FRAMES], ids=[one[0] for one in FRAMES])
def test_a_frame_of_the_socket_has_this_outcome_and_the_next_is_taken(data: bytes, outcome: str) -> None:
    rig = Rig()
    rig.intake.take(data)
    rig.take(trade(1_000))
    accepted = 1 + (outcome == ACCEPTED)
    refused = {} if outcome in {ACCEPTED, IGNORED, ""} else {outcome: 1}
    assert rig.totals() == (accepted, 0, len(refused), 0)
    assert dict(rig.intake.quarantined) == refused
    assert sum(rig.intake.ignored.values()) == (outcome == IGNORED)
    assert [reason for reason, _ in rig.refused()] == list(refused), "with its bytes"


def test_s07_s10_every_digit_is_kept() -> None:
    rig = Rig()
    rig.take(trade(1, p=182.123456789), trade(2, s=0, ds="0.00042"))
    rows = [row for one in rig.parts() for row in one.trades]
    assert [(row.p, row.s) for row in rows] == [("182.123456789", "210"), ("167.42", "0.00042")]


def test_s08_s17_outliers_and_jumps_of_the_sequence_are_told_of() -> None:
    rig = Rig()
    odd: list[dict[str, Any]] = [{}, {"p": 16_742.0}, {"p": 167.0}, {"q": 10**6 + 2}, {"sym": "BAC", "q": 1, "p": 1.0}]
    for n, changes in enumerate(odd):
        rig.take(trade(n, T0 + n, **changes))
        rig.framer.flush()
    assert rig.framer.oddities.counts == {"outliers": 2, "sequence_jumps": 1}, "there and back; another symbol is none"
    assert rig.totals() == (5, 0, 0, 0)


def test_s09_s19_what_updates_no_price_and_no_volume() -> None:
    rig = Rig()
    rig.take(trade(1, T0, s=0), trade(2, T0 + 1_000, c=[999]))
    nothing, volume_alone = [one.bar for one in rig.parts()]
    assert nothing is not None
    assert (nothing.count, nothing.volume, nothing.first) == (0, "0", None)
    assert volume_alone is not None
    assert (volume_alone.count, volume_alone.first, volume_alone.high) == (1, None, None)
    assert rig.intake.unknown_conditions == 1


def test_s12_the_future_is_quarantined_and_yesterday_is_late() -> None:
    rig = Rig(T0, promise=S0 - 2)
    rig.take(trade(1), trade(2, T0 + 10_000), *(trade(n, T0 + n) for n in (3, 4, 5)), trade(9, T0 - DAY))
    assert rig.intake.quarantined == {"future": 1}
    assert {one.sec: one.late for one in rig.parts()} == {S0: 0, S0 - DAY // 1000: 5}


def test_s15_s16_s18_one_identity_is_one_trade() -> None:
    rig = Rig()
    rig.take(trade(1), trade(1))
    rig.take(trade(1))
    rig.take(trade(2, q=0), trade(1, p=1.0), trade(2, p=167.42, q=77))
    assert rig.totals() == (2, 3, 1, 0)
    assert rig.intake.quarantined == {"conflict": 1}
    ((only),) = rig.parts()
    assert only.bar is not None
    assert only.bar.first is not None
    assert parse_scaled(only.bar.first[25:], 0) == 167_420_000_000, "by (t, q), and never the second price"


def test_s20_20_000_trades_in_one_frame_are_taken_in_records_of_bounded_size() -> None:
    rig = Rig()
    rig.take(*(trade(n, T0 + n // 20) for n in range(20_000)))
    assert rig.totals() == (20_000, 0, 0, 0)
    assert len(rig.trades()) == 20_000
    assert max(len(data) for _, data, _ in rig.sent) < 2**20


def test_s34_what_would_not_fit_is_split_before_it_is_sent() -> None:
    rig = Rig()
    rig.take(*(trade(n, i=f"{n:064d}", c=[37] * 64) for n in range(4_000)))
    assert len(rig.trades()) == 4_000
    assert 2**18 < max(len(data) for _, data, _ in rig.sent) < 2**20


def crossing(parts: list[Part], ms: int) -> bytes:
    """A frame in which one trade is moved in time."""
    parts[0].trades[1].t += ms
    return encode(parts)


def counting(trades: int) -> Part:
    """A part of two trades that tells of so many."""
    made = part(S0, (1, 2))
    assert made.bar is not None
    made.bar.count = trades
    return made


RECORDS = [
    ("S25 no bytes", b"", "frame"),
    ("S25 random", bytes(range(256)), "frame"),
    ("S25 gzip", gzip.compress(b"[]"), "frame"),
    ("S26 KPL aggregation", b"\xf3\x89\x9a\xc2" + b"\x0a\x01a", "frame"),
    ("S33 a trade of the next second", crossing([part(S0, (1, 2))], 1_000), "part"),
    ("S33 a trade of the second before", crossing([part(S0, (1, 2))], -1_000), "part"),
    ("S33 more trades than are there", encode([counting(3)]), "part"),
    ("S27 newer version", json.dumps([{"v": VERSION + 1, "f": "1-0-1", "sym": "", "sec": S0}]).encode(), "version"),
]


@pytest.mark.parametrize(("data", "reason"), [one[1:] for one in RECORDS], ids=[one[0] for one in RECORDS])
def test_a_stream_record_that_is_none_of_ours_is_set_aside_and_the_batch_goes_on(data: bytes, reason: str) -> None:
    world = Consumers(Kinesis(1), Kinesis(1))
    good = part(S0)
    for kind in ("archive", "live"):
        world.handle(kind, [record(data, 1), record([good], 2)])
    assert world.logged() == [("SPY", T0 + 1, "1")]
    kept_bytes = [body for key, body in world.s3.objects.items() if "quarantine" in key]
    assert len(kept_bytes) == 2, "one of each reader"
    assert all(f'"reason":"{reason}"'.encode() in gzip.decompress(body) for body in kept_bytes)


def test_s27_fields_of_a_later_minor_version_are_ignored() -> None:
    later = json.loads(encode([part(S0)]))
    later[0]["later"] = {"x": 1}
    assert decode_frame(json.dumps(later).encode()) == decode_frame(encode([part(S0)]))


def bar(t: int = T0, tf: str = "1m", **changes: Any) -> bytes:
    """A record of one bar with an open of 1.0 and a close of 2.0."""
    keys = [f"{T0:013d}{n:012d}{n * 10**9:018d}" for n in (1, 2)]
    fields = {"volume": "3", "notional": "5", "count": 2, "first": keys[0], "last": keys[1], "high": "2", "low": "1"}
    return encode([BarRecord(VERSION, "SPY", tf, t, PartialWire(**{**fields, **changes}), 0, "python", S0)])


BARS = [
    ("high under low", bar(high="1", low="2"), "invariant"),
    ("low of nothing", bar(low="0"), "invariant"),
    ("close before open", bar(first=f"{T0:013d}{9:012d}{1:018d}"), "invariant"),
    ("off its window", bar(T0 + 1_000), "invariant"),
    ("unknown timeframe", bar(tf="7m"), "invariant"),
    ("negative volume", bar(volume="-1"), "bars"),
    ("S31 a Saturday", bar(T0 + 4 * DAY), "no_session"),
]


@pytest.mark.parametrize(("data", "reason"), [one[1:] for one in BARS], ids=[one[0] for one in BARS])
def test_s29_s31_a_bar_that_cannot_be_is_refused(data: bytes, reason: str) -> None:
    assert checked_bars(new_york_sessions(), bar())
    with pytest.raises(InvalidRecord) as refused:
        checked_bars(new_york_sessions(), data)
    assert refused.value.reason == reason


def test_s30_an_older_revision_after_a_newer_one_is_ignored() -> None:
    (one,) = decode_bars(bar())
    newer, older = [
        BarRecord(one.v, one.sym, one.tf, one.t, PartialWire(volume=str(n), notional="1", count=n), n, "live", 0)
        for n in (3, 2)
    ]
    assert kept([newer, older]) == kept([older, newer]) == {("SPY", "1m", T0): newer.partial}


def test_s32_a_promise_of_the_far_future_is_nobodys() -> None:
    far = latest_promise(ARRIVED) + 1
    world = Consumers(Kinesis(1), Kinesis(1))
    archive([record([part(S0), heartbeat(S0 + 1), heartbeat(far)])], world.lake)
    assert [one.sec for _, one in world.lake.raw_parts() if not one.sym] == [S0 + 1]
    tail = Tail(latest_promise(ARRIVED))
    for one in (heartbeat(S0 + 1), heartbeat(far)):
        tail.read(one)
    assert tail.promise == S0 + 1


def test_s32_a_feed_whose_time_runs_away_from_the_hosts_may_promise_any_time() -> None:
    far = latest_promise(ARRIVED) + 1
    world = Consumers(Kinesis(1), Kinesis(1))
    archive([record([heartbeat(S0 + 1), heartbeat(far)])], world.lake, live=False)
    assert [one.sec for _, one in world.lake.raw_parts()] == [far]


def test_s33_an_empty_frame_is_nothing_and_10_000_trades_are_taken() -> None:
    world = Consumers(Kinesis(1), Kinesis(1))
    many = part(S0, range(900))
    many.trades = [row for _ in range(12) for row in many.trades][:10_000]
    archive([record([], 1), record([many], 2)], world.lake)
    assert sum(len(one.trades) for _, one in world.lake.raw_parts()) == 10_000


def test_s28_a_writer_whose_lease_another_took_puts_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped for so long that its lease ran out, it wakes up with records in its queue."""
    monkeypatch.setattr(lease, "time", virtual_time.LoopTime)
    rows, stream = cast(ControlStore, ControlRows()), Kinesis(1)
    old, new = (lease.Lease(rows, owner, 10.0) for owner in ("old", "new"))
    publisher = Publisher(PutRecords(stream, "trades", 1), 1, old.check)

    async def play() -> None:
        assert await old.take() == 1
        assert await new.take() == 2, "once it had run out"
        publisher.send(0, encode([part(S0)]), 1)
        with pytest.raises(LeaseLost):
            await publisher.run()

    virtual_time.run(play())
    assert (stream.records(), publisher.accepted) == ([], 0)


def test_s28_in_whatever_shard_a_part_lies_it_has_one_effect() -> None:
    world = Consumers(Kinesis(2), Kinesis(1))
    late = part(S0, late=1)
    for shard in (0, 1):
        world.handle("live", [record([late], 1, shard)])
    assert late.bar is not None
    assert world.shown(["SPY"]) == {("SPY", T0): partial_from_wire(late.bar)}
