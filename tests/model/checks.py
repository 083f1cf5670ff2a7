"""What must hold once every fault is over and everybody has read everything.

I1 no silent loss; I2 the raw log determines every bar; I3 delivered again nothing changes; I4 nor does the order of
arrival; I5 bars are sane; I6 the last price never goes back; I7 a hole is told; I8 a signal is told once.
"""

from typing import Any

from shared.bars.windows import STREAM_TIMEFRAMES
from shared.frames import partial_from_wire, partial_to_wire
from tests.model.world import World
from tests.unit.speed_layer.one_ingester import check_laws
from tests.unit.speed_layer.test_restart import expected

SYMBOLS = ["AIG", "BAC", "SPY"]
PRICE_OF_KEY = slice(25, 43)


def check_bar(record: Any) -> None:
    """I5: high over low over zero, open and close between them, nothing negative, a start where windows may start."""
    partial = partial_from_wire(record.partial)
    assert record.t % (STREAM_TIMEFRAMES[record.tf] * 1000) == 0
    assert partial.volume >= 0
    assert partial.count >= 0
    if partial.high is not None and partial.low is not None:
        assert partial.high >= partial.low > 0


def check_end(world: World) -> None:
    """I1 to I4, I7, I8."""
    check_laws(world.streams.log)
    seen = world.readers.seen(SYMBOLS)
    shown, bars, logged, _ = seen
    accepted, refused = world.in_streams()
    assert {i for _, _, i in logged} == accepted, "I1: what the stream took is in the log"
    for one in world.vendor.trades_of_feed:
        if one["i"] not in accepted | refused | world.excused:
            assert world.is_told_missing(one["t"]), f"I1, I7: {one} is missing and no hole says so"
    windows = expected([one for one in world.vendor.trades_of_feed if one["i"] in accepted])
    minutes = {(sym, t): partial for (sym, tf, t), partial in windows.items() if tf == "1m"}
    assert shown == minutes, "I2, I4: the log determines every minute"
    assert bars == {key: partial_to_wire(partial) for key, partial in windows.items()}, "I2, I4: and every bar"
    inserted = world.readers.signals.inserted
    assert len(inserted) == len(set(inserted)), "I8: a signal is told once"
    world.readers.again(len(accepted))
    assert world.readers.seen(SYMBOLS) == seen, "I3: delivered again, nothing changes"
    assert world.readers.signals.inserted == inserted, "I8: nor is anything told again"
