"""Faults on request, so that a consumer's answer to them can be tested.

A list is comma separated: `drop@1000,silence@5000:3s,http500@2`.

    drop@N         cut the TCP connections, without a closing handshake, after N lines
    close@N:CODE   close the WebSockets with this code after N lines
    silence@N:Ds   after N lines send nothing for D seconds, then what became due meanwhile (pings are answered)
    http500@N      the next N REST requests are answered 500 (also http502, http503, http504)
    http429@N:Ds   the next N REST requests are answered 429 with Retry-After D (default 1; whole seconds)
    truncate@N     the next N REST answers break off half way: the connection is closed
    reset@N        the same, and the connection is reset
    half@N         the next N REST answers are whole for HTTP (200) and hold half of their JSON
    nobody@N       the next N REST answers are 200 without a body
    empty@N        the next N REST answers say that nothing was found
    repeat@N       the next N REST answers name themselves as the next page
    loop@N         the next N REST answers name the first page as the next
    elsewhere@N    the next N REST answers name another host's page as the next
    ok@N           the next N REST answers are good ones

Lines count while somebody is subscribed, whatever they subscribed to. REST faults follow one another as listed.
"""

import re
from collections import deque
from dataclasses import dataclass
from itertools import repeat

from local_dev.vendor.errors import WrongInputError

STREAM_KINDS = ("drop", "close", "silence")
HTTP_KINDS = ("http500", "http502", "http503", "http504", "http429")
REST_KINDS = (*HTTP_KINDS, "truncate", "reset", "half", "nobody", "empty", "repeat", "loop", "elsewhere", "ok")
CLOSE_CODES = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}  # what may travel in a close frame
DEFAULT_RETRY_AFTER_S = 1.0
_PATTERN = re.compile(r"(?P<kind>[a-z]+(?:\d+)?)@(?P<count>\d+)(?::(?P<argument>\d+(?:\.\d+)?)s?)?")
_NEEDS_ARGUMENT = ("close", "silence")


@dataclass(frozen=True, slots=True)
class StreamFault:
    kind: str
    after_lines: int
    argument: float  # seconds of silence, or the close code


@dataclass(frozen=True, slots=True)
class RestFault:
    kind: str
    retry_after_s: float


class FaultPlan:
    """What is still to happen; each fault happens once."""

    def __init__(self, stream: list[StreamFault], rest: list[RestFault]) -> None:
        self._stream = deque(sorted(stream, key=lambda fault: fault.after_lines))
        self._rest = deque(rest)

    def lines_allowed(self, lines_sent: int) -> int | None:
        """How many lines may go out before the next stream fault; None when no fault is left."""
        return max(self._stream[0].after_lines - lines_sent, 0) if self._stream else None

    def stream_fault_due(self, lines_sent: int) -> StreamFault | None:
        """Take the next fault if its number of lines has been sent."""
        if self._stream and self._stream[0].after_lines <= lines_sent:
            return self._stream.popleft()
        return None

    def rest_fault_due(self) -> RestFault | None:
        """Take the fault for this REST request."""
        fault = self._rest.popleft() if self._rest else None
        return None if fault is None or fault.kind == "ok" else fault


def parse_faults(spec: str) -> FaultPlan:
    """Raises WrongInputError naming the part that is not understood."""
    stream: list[StreamFault] = []
    rest: list[RestFault] = []
    for part in filter(None, (piece.strip() for piece in spec.split(","))):
        match = _PATTERN.fullmatch(part)
        kind = match["kind"] if match else ""
        if match is None or kind not in STREAM_KINDS + REST_KINDS:
            raise WrongInputError(
                f"unknown fault {part!r}: use one of {', '.join(STREAM_KINDS + REST_KINDS)} as KIND@N"
            )
        if kind in _NEEDS_ARGUMENT and match["argument"] is None:
            raise WrongInputError(f"fault {part!r} needs an argument: {kind}@N:{'CODE' if kind == 'close' else 'Ds'}")
        argument = float(match["argument"] or DEFAULT_RETRY_AFTER_S)
        if kind == "close" and argument not in CLOSE_CODES:
            raise WrongInputError(f"fault {part!r}: {match['argument']} is not a close code a server may send")
        if kind in STREAM_KINDS:
            stream.append(StreamFault(kind, int(match["count"]), argument))
        else:
            rest.extend(repeat(RestFault(kind, argument), int(match["count"])))
    return FaultPlan(stream, rest)
