"""A platform to read from: one that runs, or one started on the state folder for as long as it takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_dev.cli.errors import WrongInput
from local_dev.cli.logs import log_to
from local_dev.cli.options import bind
from local_dev.cli.running import Address, address
from local_dev.cli.stopping import stop_on_signals
from local_dev.runtime.platform import Platform
from local_dev.runtime.state import Source, open_state


@contextmanager
def serving(state: Path, given: Address | None) -> Iterator[Address]:
    """`given` is taken as it is. Raises WrongInput when there is nothing to read, Stopped when told to stop."""
    found = given or address(state)
    if found is not None:
        yield found
        return
    if not state.exists():
        raise WrongInput(f"no platform runs and there is no state folder at {state}: condvest up makes one.")
    folder = open_state(state, Source("none"), fresh=False)
    log_to(folder.logs)
    platform = Platform(folder, bind(0), lambda _: None)
    with stop_on_signals():
        try:
            platform.start()
            yield Address(platform.url, platform.key)
        finally:
            platform.stop()
            folder.close()
