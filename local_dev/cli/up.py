"""`condvest up`: the whole platform on this machine. Read `_serve` top-down."""

import argparse
import sys
import time
from contextlib import suppress
from typing import NamedTuple

from local_dev.cli.batch_source import source_of_feed
from local_dev.cli.feed_choice import chosen
from local_dev.cli.logs import log_to
from local_dev.cli.options import PORT, add_state, bind
from local_dev.cli.running import Address, forget, note
from local_dev.cli.screen import Screen, summary
from local_dev.cli.stopping import Stopped, stop_on_signals
from local_dev.runtime.feed import Feed
from local_dev.runtime.finish import Counts, close, drain, settle, verify
from local_dev.runtime.flink_engine import FlinkEngine
from local_dev.runtime.nightly import Nightly
from local_dev.runtime.nights import Nights
from local_dev.runtime.opening import open_feed
from local_dev.runtime.past import Past
from local_dev.runtime.platform import EMULATOR, Platform
from local_dev.runtime.state import StateFolder, open_state
from shared.errors import StoreUnavailable

HELP = "Start the platform: trades in; bars, signals, a live stream and a page out."
LOOK_SECONDS = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--feed", default="sim", metavar="sim|polygon|none|PATH", help="default sim; none serves what is kept"
    )
    parser.add_argument("--speed", default="1", metavar="N|max", help="0.1 to 1000 times real time (default 1)")
    parser.add_argument("--symbols", default="*", metavar="A,B|@FILE", help="default: all of the feed")
    parser.add_argument("--port", type=int, default=PORT, help=f"default {PORT}, 0 = a free one")
    parser.add_argument("--fresh", action="store_true", help="forget what the state folder holds")
    parser.add_argument("--once", action="store_true", help="end with the feed: exit 0, or 1 if anything was lost")
    parser.add_argument("--bar-engine", default="python", metavar="python|flink", help="what makes the bars")
    parser.add_argument("--hold-until-subscriber", action="store_true", help="wait for a client of /stocks")
    parser.add_argument("--no-nightly", action="store_true", help="settle no trade date: condvest batch does it")
    add_state(parser)


def run(options: argparse.Namespace) -> int:
    choice = chosen(options)
    listening = bind(options.port)
    try:
        state = open_state(options.state, choice.source, fresh=options.fresh)
    except BaseException:
        listening.close()
        raise
    log_to(state.logs)
    screen = Screen(sys.stdout)
    platform = Platform(state, listening, screen.step)
    from_source = None if state.record.ended else choice.feed
    engine = FlinkEngine(platform) if options.bar_engine == "flink" else None
    feed = None if from_source is None else Feed(platform, from_source, choice.source.symbols, engine)
    nights = None if feed is None or options.no_nightly else _nights(platform, feed, screen)
    parts = Parts(state, platform, feed, nights, screen)
    with stop_on_signals():
        try:
            if engine is not None:
                engine.prepare()
            return _serve(parts, options)
        except Stopped:
            return 0
        finally:
            _stop(parts)


class Parts(NamedTuple):
    """Of a run. `feed` None: what the state holds is served; `nights` None: no trade date is settled."""

    state: StateFolder
    platform: Platform
    feed: Feed | None
    nights: Nights | None
    screen: Screen


def _nights(platform: Platform, feed: Feed, screen: Screen) -> Nights:
    return Nights(platform, lambda: Nightly(platform, source_of_feed(feed)), screen.step)


def _serve(parts: Parts, options: argparse.Namespace) -> int:
    state, platform, feed, nights, screen = parts
    resumes = (state.path / "emulator").exists()
    if feed is not None and not resumes and not feed.source.endless:
        feed.start_server()  # a recording takes a while to be read
    platform.deploy()
    source = _announce(state, platform, running=feed is not None)
    past = None
    if feed is None:
        platform.serve()
    else:
        past = open_feed(platform, feed, screen.step, resumes=resumes)
    note(state.path, Address(platform.url, platform.key, platform.endpoints[EMULATOR], platform.control_table))
    platform.restore_keys()  # whoever made or revoked one before that note has told the file alone
    screen.welcome(platform, feed, state.path)
    if feed is None:
        counts = verify(platform) if options.once else None
        screen.lines(summary(counts) if counts else ())
        return _idle(platform, screen, counts)
    if options.hold_until_subscriber:
        _hold(platform, feed, past, screen)
    if past is not None:
        past.catch_up()
    feed.start_ingester()
    _follow(platform, feed, past, nights, screen)
    screen.step("the feed has ended; the functions take what is left")
    feed.await_engine()
    drain(platform)
    if nights is not None:
        nights.finish()
    counts = verify(platform)
    close(state, platform, source, counts)
    screen.lines(summary(counts))
    return _idle(platform, screen, counts if options.once else None)


def _announce(state: StateFolder, platform: Platform, *, running: bool) -> str:
    """Tell readers where the data comes from, and whether it still comes. What an ended feed lost stays known."""
    source = state.record.source.feed if state.record.source else "none"
    told = platform.control.feed()
    now = "running" if running else "ended" if state.record.ended else "none"
    platform.control.put_feed({"lost": 0, **told, "source": source, "state": now})
    return source


def _check(platform: Platform, feed: Feed, past: Past | None) -> None:
    """Raises CondvestError when something that is needed has ended."""
    platform.check()
    feed.check()
    if past is not None:
        past.check()


def _hold(platform: Platform, feed: Feed, past: Past | None, screen: Screen) -> None:
    """Until a client of /stocks has subscribed to something."""
    screen.step("holding the feed until a client has subscribed at /stocks")
    while not platform.push.subscribed:
        _check(platform, feed, past)
        time.sleep(0.05)
    screen.step("a client has subscribed: the feed begins")


def _follow(platform: Platform, feed: Feed, past: Past | None, nights: Nights | None, screen: Screen) -> None:
    """Until the feed has ended; one that is live never does."""
    while True:
        _check(platform, feed, past)
        with suppress(StoreUnavailable):  # an emulator too busy to answer; one that has ended is found above
            epochs = list(platform.control.epochs())
            signals = platform.control.signal_counts().get("stored", 0)
            screen.status(epochs, signals, platform.pollers, simulated=platform.state.record.is_simulated)
            if nights is not None:
                nights.look()
            if feed.ended(epochs[-1] if epochs else {}):
                return
        time.sleep(LOOK_SECONDS)


def _idle(platform: Platform, screen: Screen, once: Counts | None) -> int:
    """Serve until told to stop; with `--once` there is nothing to wait for."""
    if once is not None:
        return 0 if once.whole else 1
    screen.step("serving; Ctrl-C stops")
    while True:
        platform.check()
        time.sleep(LOOK_SECONDS)


def _stop(parts: Parts) -> None:
    state, platform, feed, nights, screen = parts
    screen.step("stopping")
    forget(state.path)
    if nights is not None:
        nights.stop()
    if feed is not None:
        feed.stop()
        if feed.source.live:
            settle(platform)
    platform.stop()
    state.close()
