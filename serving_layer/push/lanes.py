"""Each frame once: a stream may hold a record twice, and a lane's frames follow each other by (epoch, counter)."""

from shared.errors import InvalidRecord
from shared.frames import Part

EPOCHS = 4
"""Newest epochs of a lane that are remembered; an older one has lost its lease long ago."""


def lane_of(part: Part) -> int:
    """The lane that a part travelled in."""
    return int(part.f.split("-")[1])


def is_first_ever(part: Part) -> bool:
    """Whether the part is of the first frame that the first ingester put in its lane."""
    epoch, _, counter = part.f.split("-")
    return int(epoch) == int(counter) == 1


class Lanes:
    """The last frame of every lane and epoch."""

    def __init__(self) -> None:
        self._last: dict[int, dict[int, int]] = {}

    def fresh(self, parts: list[Part]) -> list[Part]:
        """The parts of frames not met before. Raises InvalidRecord `frame` where one part is there twice."""
        is_new: dict[str, bool] = {}
        for part in parts:
            if part.f not in is_new:
                is_new[part.f] = self._advance(part.f)
        found = [part for part in parts if is_new[part.f]]
        if len({part.identity for part in found}) < len(found):
            raise InvalidRecord("frame", "a frame must hold each symbol and second once")
        return found

    def _advance(self, f: str) -> bool:
        epoch, lane, counter = map(int, f.split("-"))
        epochs = self._last.setdefault(lane, {})
        if counter <= epochs.get(epoch, 0) or (len(epochs) == EPOCHS and epoch < min(epochs)):
            return False
        epochs[epoch] = counter
        if len(epochs) > EPOCHS:
            del epochs[min(epochs)]
        return True
