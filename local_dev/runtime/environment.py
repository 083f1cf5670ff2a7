"""The environment of processes that are told where the stand-ins are; nothing of the caller's credentials leaks in."""

import os
from collections.abc import Mapping

from local_dev.runtime.deploy import CREDENTIALS
from local_dev.runtime.servers import ARENAS
from local_dev.runtime.synth import ROOT


def stand_ins(
    emulator_url: str, cache_endpoint: str, sessions: str, given: Mapping[str, str], *, live: bool
) -> dict[str, str]:
    """A function's or container's own variables, with endpoints, credentials, the session table and whether the feed is
    live replaced, and the strategies where the caller's environment names some."""
    ours = {"CACHE_ENDPOINT": cache_endpoint, "SESSIONS": sessions, "LIVE": "1" if live else "0"}
    if strategies := os.environ.get("STRATEGIES"):
        ours["STRATEGIES"] = strategies
    replaced = {name: value for name, value in ours.items() if name in given}
    return {**given, **CREDENTIALS, "AWS_ENDPOINT_URL": emulator_url, **replaced}


def process(variables: Mapping[str, str]) -> dict[str, str]:
    """What any Python process of ours needs, and these variables."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "MALLOC_ARENA_MAX": ARENAS,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        **variables,
    }
