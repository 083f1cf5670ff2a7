"""`condvest up`: the whole platform on this machine. Read `_serve` top-down."""

import argparse
import sys
import time
from contextlib import suppress
from pathlib import Path

from local_dev.cli.errors import WrongInput
from local_dev.cli.logs import log_to
from local_dev.cli.options import PORT, add_state, bind, source_of
from local_dev.cli.running import forget, note
from local_dev.cli.screen import Screen, summary
from local_dev.cli.stopping import Stopped, stop_on_signals
from local_dev.runtime.feed import OVERLAP_MS, Feed, FeedOptions
from local_dev.runtime.finish import Counts, close, drain, verify
from local_dev.runtime.platform import Platform
from local_dev.runtime.state import Source, StateFolder, open_state
from local_dev.vendor.settings import parse_speed
from shared.errors import StoreUnavailable

HELP = "Start the platform: recorded trades in, bars out over Polygon's REST paths."
LOOK_SECONDS = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--feed", default="none", metavar="none|PATH", help="recorded trades; none serves what is kept")
    parser.add_argument("--speed", default="1", metavar="N|max", help="0.1 to 1000 times real time (default 1)")
    parser.add_argument("--symbols", default="*", metavar="A,B|@FILE", help="default: all of the feed")
    parser.add_argument("--port", type=int, default=PORT, help=f"default {PORT}, 0 = a free one")
    parser.add_argument("--fresh", action="store_true", help="forget what the state folder holds")
    parser.add_argument("--once", action="store_true", help="end with the feed: exit 0, or 1 if anything was lost")
    parser.add_argument("--bar-engine", default="python", metavar="python", help="what makes the bars")
    parser.add_argument("--hold-until-subscriber", action="store_true", help="wait for a client of /stocks")
    add_state(parser)


def run(options: argparse.Namespace) -> int:
    source = _checked(options)
    listening = bind(options.port)
    try:
        state = open_state(options.state, source, fresh=options.fresh)
    except BaseException:
        listening.close()
        raise
    log_to(state.logs)
    screen = Screen(sys.stdout)
    platform = Platform(state, listening, screen.step)
    feed = None if source.fits_any or state.record.ended else Feed(platform, _feed_options(options, source))
    with stop_on_signals():
        try:
            return _serve(state, platform, feed, screen, once=options.once)
        except Stopped:
            return 0
        finally:
            _stop(state, platform, feed, screen)


def _serve(state: StateFolder, platform: Platform, feed: Feed | None, screen: Screen, *, once: bool) -> int:
    resumes = (state.path / "emulator").exists()
    if feed is not None and not resumes:
        feed.start_vendor()
    platform.start()
    source = _announce(state, platform, running=feed is not None)
    note(state.path, platform.url, platform.key)
    screen.welcome(platform, feed, state.path)
    if feed is None:
        counts = verify(platform) if once else None
        screen.lines(summary(counts) if counts else ())
        return _idle(platform, screen, counts)
    if resumes:
        last_ms = feed.last_accepted_ms()
        feed.start_vendor(last_ms - OVERLAP_MS if last_ms else None)
    feed.start_ingester()
    _follow(platform, feed, screen)
    screen.step("the feed has ended; the functions take what is left")
    drain(platform)
    counts = verify(platform)
    close(state, platform, source, counts)
    screen.lines(summary(counts))
    return _idle(platform, screen, counts if once else None)


def _announce(state: StateFolder, platform: Platform, *, running: bool) -> str:
    """Tell readers where the data comes from, and whether it still comes. What an ended feed lost stays known."""
    source = state.record.source.feed if state.record.source else "none"
    told = platform.control.feed()
    now = "running" if running else "ended" if state.record.ended else "none"
    platform.control.put_feed({"lost": 0, **told, "source": source, "state": now})
    return source


def _follow(platform: Platform, feed: Feed, screen: Screen) -> None:
    """Until the feed has ended."""
    while True:
        platform.check()
        feed.check()
        with suppress(StoreUnavailable):  # an emulator too busy to answer; one that has ended is found above
            epochs = list(platform.control.epochs())
            screen.status(epochs, platform.pollers)
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


def _stop(state: StateFolder, platform: Platform, feed: Feed | None, screen: Screen) -> None:
    screen.step("stopping")
    forget(state.path)
    if feed is not None:
        feed.stop()
    platform.stop()
    state.close()


def _checked(options: argparse.Namespace) -> Source:
    """Everything that can be wrong without starting anything. Raises WrongInput."""
    parse_speed(options.speed)
    if options.bar_engine != "python":
        raise WrongInput(f"--bar-engine {options.bar_engine}: python is the only engine there is yet.")
    if options.hold_until_subscriber:
        raise WrongInput("--hold-until-subscriber waits for a client of /stocks, which is not served yet.")
    if options.state.exists() and not options.state.is_dir():
        raise WrongInput(f"--state: {options.state} is a file.")
    return source_of(options.feed, options.symbols)


def _feed_options(options: argparse.Namespace, source: Source) -> FeedOptions:
    return FeedOptions(Path(source.feed), options.speed, source.symbols)
