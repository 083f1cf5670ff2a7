"""How one vendor server behaves."""

from dataclasses import dataclass

from local_dev.vendor.errors import WrongInputError

SLOWEST, FASTEST = 0.1, 1000.0


@dataclass(frozen=True, slots=True)
class VendorSettings:
    """`speed` is feed seconds per real second, None = as fast as the clients take it."""

    speed: float | None = 1.0
    hold: bool = False  # the clock waits for the first subscription, and only for that
    from_ms: int | None = None  # feed time (Unix ms) at the start; None: the first line's
    api_key: str | None = None  # the only key accepted; None: any key that is not empty
    faults: str = ""  # see local_dev.vendor.faults
    calls_a_minute: int | None = None  # REST calls of a key; None: as many as it likes
    buffer_bytes: int = 32_000_000  # unsent data a connection may hold before it counts as a slow consumer
    farewell_s: float = 10.0  # how long a closing message may take before the connection is cut
    auth_s: float = 30.0  # how long a connection may stay silent before it authenticates


def parse_speed(text: str) -> float | None:
    """`max`, or a number from 0.1 to 1000. Raises WrongInputError."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not SLOWEST <= speed <= FASTEST:
        raise WrongInputError(f"speed must be max or a number from {SLOWEST} to {FASTEST:.0f}, was {text}")
    return speed
