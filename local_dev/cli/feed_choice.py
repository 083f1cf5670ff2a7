"""Which feed `up` was asked for: everything that can be wrong with it is found before anything is started."""

import argparse
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

from local_dev.cli.entitlement import choose
from local_dev.cli.errors import WrongInput
from local_dev.cli.options import source_of
from local_dev.cli.vendor_key import vendor_key
from local_dev.runtime.sources import Endpoints, FeedSource, Recorded, Simulated, Vendor
from local_dev.runtime.state import VERSION_FILE, Source, claimed
from local_dev.simulator.instruments import INSTRUMENTS
from local_dev.vendor.settings import parse_speed

ENGINES = ("python", "flink")


class Choice(NamedTuple):
    """`source`: what the state folder belongs to. `feed` None: what the state holds is served."""

    source: Source
    feed: FeedSource | None


def chosen(options: argparse.Namespace) -> Choice:
    """Raises WrongInput; for the vendor's feed, which is asked what the key may do, SourceUnavailable too."""
    speed = parse_speed(options.speed)
    if options.bar_engine not in ENGINES:
        raise WrongInput(f"--bar-engine {options.bar_engine}: there are {' and '.join(ENGINES)}.")
    if options.state.exists() and not options.state.is_dir():
        raise WrongInput(f"--state: {options.state} is a file.")
    source = source_of(options.feed, options.symbols, options.speed)
    if options.hold_until_subscriber and source.fits_any:
        raise WrongInput("--hold-until-subscriber holds a feed, and there is none with --feed none.")
    if source.fits_any:
        return Choice(source, None)
    if source.feed == "sim":
        return Choice(source, _simulated(options, speed, source.symbols))
    if source.feed == "polygon":
        return Choice(source, _vendor(options, speed))
    return Choice(source, Recorded(Path(source.feed), options.speed))


def _simulated(options: argparse.Namespace, speed: float | None, symbols: str) -> Simulated:
    _never_ends(options)
    there_are = {instrument.sym for instrument in INSTRUMENTS}
    if unknown := set(symbols.split(",")) - there_are - {"*"}:
        raise WrongInput(
            f"--symbols: the simulated market has no {min(unknown)}; it has {', '.join(sorted(there_are))}."
        )
    if speed is None:
        raise WrongInput("--speed max is for recorded trades: the simulated market takes a number.")
    return Simulated(options.speed)


def _vendor(options: argparse.Namespace, speed: float | None) -> Vendor:
    _never_ends(options)
    if speed != 1.0:
        raise WrongInput(f"--speed {options.speed}: the vendor's feed has the pace that the market has.")
    key = vendor_key()
    in_use = (options.state / VERSION_FILE).exists()
    with claimed(options.state) if in_use else nullcontext():  # to ask would cut off a feed that runs with this key
        hosts = choose(key)
    return Vendor(Endpoints(hosts.socket_url, hosts.rest_url, key))


def _never_ends(options: argparse.Namespace) -> None:
    if options.once:
        raise WrongInput(f"--once ends with its feed, and --feed {options.feed} never ends: give a PATH.")
