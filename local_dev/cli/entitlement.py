"""What a vendor key may do, found by asking: the real-time stream first, then the delayed one, one at a time.

Which plan gives what is the vendor's to change, so its answer decides, and its own words are told.
"""

from dataclasses import dataclass

from local_dev.cli.errors import WrongInput
from local_dev.cli.rest_probe import RestAnswer, Right, probe_rest
from local_dev.cli.stream_probe import LIQUID, Access, Stream, probe_stream
from local_dev.cli.vendor_hosts import Hosts, VendorHosts, vendor_hosts
from local_dev.cli.vendor_key import NO_KEY_NEEDED
from shared.errors import SourceUnavailable

IDENTITY_PATH = f"/v2/aggs/ticker/{LIQUID}/prev"
"""In every plan, so that a refusal is about the key."""
NEEDED = "--feed polygon needs trades, which come with the Developer plan (delayed) or Advanced (real time)"


@dataclass(frozen=True)
class Entitlement:
    """What the two streams gave. `delayed` None: not asked, since the real-time one gave trades or no answer.
    `identity` None: not asked, since a stream let the key in."""

    real_time: Stream
    delayed: Stream | None = None
    identity: RestAnswer | None = None

    @property
    def trades(self) -> bool:
        return any(stream.access is Access.TRADES for stream in self.asked)

    @property
    def key_unknown(self) -> bool:
        return self.identity is not None and self.identity.right is Right.KEY_UNKNOWN

    @property
    def asked(self) -> tuple[Stream, ...]:
        return (self.real_time,) if self.delayed is None else (self.real_time, self.delayed)


def probe(key: str, hosts: VendorHosts) -> Entitlement:
    """Asks as little as decides it. A network that fails is an answer, not an error."""
    real_time = probe_stream(hosts.real_time, key)
    if real_time.access in {Access.TRADES, Access.BUSY, Access.UNKNOWN}:
        return Entitlement(real_time)
    delayed = probe_stream(hosts.delayed, key)
    if {real_time.access, delayed.access} != {Access.REFUSED}:
        return Entitlement(real_time, delayed)
    return Entitlement(real_time, delayed, probe_rest(hosts.rest, IDENTITY_PATH, key))


def choose(key: str, hosts: VendorHosts | None = None) -> Hosts:
    """Where the trades come from; real time if the plan has it.

    Raises WrongInput when the key is wrong or its plan has no trades, SourceUnavailable when that stays open.
    """
    hosts = hosts or vendor_hosts()
    found = probe(key, hosts)
    if found.real_time.access is Access.TRADES:
        return Hosts(hosts.real_time, hosts.rest, delayed=False)
    if found.trades:
        return Hosts(hosts.delayed, hosts.rest, delayed=True)
    for stream, url in zip(found.asked, (hosts.real_time, hosts.delayed), strict=False):
        if stream.access is Access.BUSY:
            raise SourceUnavailable(f"another connection already uses the key ({stream.said}): end that one first")
        if stream.access is Access.UNKNOWN:
            raise SourceUnavailable(f"{url} could not be asked what the key may do: {stream.said}")
    raise WrongInput(refusal(found))


def refusal(found: Entitlement) -> str:
    """One sentence on why there are no trades: what the plan gives, in the vendor's words, and what is needed."""
    if found.identity is not None and found.key_unknown:
        return f"the vendor does not know this key ({found.identity.said}): check POLYGON_API_KEY; {NO_KEY_NEEDED}."
    asked = zip(("real time", "delayed"), found.asked, strict=False)
    bars = [name for name, stream in asked if stream.access is Access.BARS]
    gives = f"streams minute bars ({' and '.join(bars)}) but no trades" if bars else "has no trade stream"
    return f"the key's plan {gives} (the vendor: {found.asked[-1].said}); {NEEDED}; {NO_KEY_NEEDED}."
