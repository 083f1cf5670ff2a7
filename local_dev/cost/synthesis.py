"""The templates of a profile, synthesised with no asset built: nothing of what a bill counts is in an asset."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from local_dev.cost.assembly import Assembly
from local_dev.cost.load import Load
from local_dev.runtime.processes import Supervisor
from local_dev.runtime.synth import CACHE, assembly

PROFILES = ("full", "lean")
BILL_CACHE = CACHE.with_name("bill-templates")
"""Beside those of `up`, which are looked for at each of its starts."""


def settings_for(profile: str, load: Load, more: Mapping[str, str]) -> dict[str, str]:
    """Context of the synthesis: the shards that the load's peak takes, and push, which is priced apart."""
    return {"profile": profile, "shards": str(load.shards(profile)), "push": "on", **more}


def options(settings: Mapping[str, str]) -> tuple[str, ...]:
    """Arguments of `stacks.synth`."""
    return ("--stub-assets", *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")))


def synthesised(settings: Mapping[str, str], cache: Path = BILL_CACHE) -> Assembly:
    """Some seconds at first, then from the cache until the stacks change. Raises SynthFailed."""
    with tempfile.TemporaryDirectory() as logs:
        supervisor = Supervisor(Path(logs))
        try:
            return Assembly.read(assembly(supervisor, cache=cache, options=options(settings)))
        finally:
            supervisor.stop()
