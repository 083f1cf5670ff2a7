"""What the vendor gives the key of this machine, for `condvest doctor`: streams and REST data, in plain words."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from local_dev.cli.entitlement import NEEDED, Entitlement, probe
from local_dev.cli.errors import WrongInput
from local_dev.cli.finding import Finding
from local_dev.cli.rest_probe import RestAnswer, Right, paths, probe_rest
from local_dev.cli.stream_probe import Access, Stream
from local_dev.cli.vendor_hosts import VendorHosts, vendor_hosts
from local_dev.cli.vendor_key import NO_KEY_NEEDED, Setting, find_key
from shared.bars.windows import NEW_YORK

CORRECT: Final = f"correct or remove it; {NO_KEY_NEEDED}"
_STREAMS: Final = {
    Access.TRADES: "trades: up --feed polygon can use it",
    Access.BARS: "minute bars, but no trades",
    Access.NOTHING: "lets the key in, but gives neither trades nor minute bars",
    Access.REFUSED: "not in the key's plan",
    Access.BUSY: "another connection has the key's place",
    Access.UNKNOWN: "could not be asked",
}
_RIGHTS: Final = {
    Right.GIVEN: "may be read",
    Right.NOT_IN_PLAN: "not in the key's plan",
    Right.KEY_UNKNOWN: "the vendor does not know the key",
    Right.TOO_OFTEN: "not told: the key has asked too often",
    Right.UNKNOWN: "could not be asked",
}
_WITHOUT: Final = {
    "trades": "a feed that was interrupted cannot be filled up with what was missed",
    "minute bars": "history cannot be fetched",
    "snapshots": "which symbols an interrupted feed has missed cannot be asked: name them with --symbols",
}
_REST_REMEDIES: Final = {
    Right.KEY_UNKNOWN: CORRECT,
    Right.TOO_OFTEN: "run doctor again in a minute",
    Right.UNKNOWN: "check the network, and POLYGON_REST_URL if it is set",
}


def examine_key(*, in_use: bool) -> Iterator[Finding]:
    """`in_use`: a feed has the one connection that the vendor allows a key, so the streams are not asked."""
    try:
        key, hosts = find_key(), vendor_hosts()
    except WrongInput as error:
        yield Finding("vendor key", str(error), CORRECT)
        return
    if key is None:
        yield Finding("vendor key", "none set (the simulator and recorded files need none)")
        return
    found = None if in_use else probe(key.value, hosts)
    if found is not None and found.identity is not None and found.key_unknown:
        yield Finding("vendor key", f"{key}: the vendor does not know it ({found.identity.said})", CORRECT)
        return
    yield Finding("vendor key", str(key))
    if found is None:
        yield Finding("trades stream", "in use by the platform that runs, so not asked: the key has one connection")
    else:
        yield from _streams(found)
    yield from _rest(key, hosts)


def _streams(found: Entitlement) -> Iterator[Finding]:
    """The stream that would be used, or what both say when neither has trades."""
    for name, stream in zip(("real-time stream", "delayed stream"), found.asked, strict=False):
        last = stream is found.asked[-1]
        yield Finding(name, _with_words(_STREAMS[stream.access], stream), _remedy(stream) if last else "", limits=True)


def _remedy(stream: Stream) -> str:
    if stream.access is Access.TRADES:
        return ""
    if stream.access is Access.BUSY:
        return "end the other one before up --feed polygon"
    if stream.access is Access.UNKNOWN:
        return "check the network, and POLYGON_SOCKET_URL if it is set"
    return f"{NEEDED}; {NO_KEY_NEEDED}"


def _rest(key: Setting, hosts: VendorHosts) -> Iterator[Finding]:
    for kind, path in paths(datetime.now(NEW_YORK).date()).items():
        answer = probe_rest(hosts.rest, path, key.value)
        remedy = _WITHOUT[kind] if answer.right is Right.NOT_IN_PLAN else _REST_REMEDIES.get(answer.right, "")
        limits = answer.right is not Right.KEY_UNKNOWN
        yield Finding(f"REST {kind}", _with_words(_RIGHTS[answer.right], answer), remedy, limits)


def _with_words(ours: str, answer: Stream | RestAnswer) -> str:
    return f"{ours} ({answer.said})" if answer.said else ours
