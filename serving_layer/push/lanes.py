"""Each frame once: a stream may hold a record twice, and a lane's frames follow each other by (epoch, counter)."""

from typing import NamedTuple

EPOCHS = 4
"""Newest epochs of a lane that are remembered; an older one has lost its lease long ago."""


class FrameName(NamedTuple):
    """What the id of a frame says: which ingester, which lane, the how-manieth of both."""

    epoch: int
    lane: int
    counter: int

    @property
    def is_first_ever(self) -> bool:
        """Whether it is the first frame that the first ingester put in its lane."""
        return self.epoch == self.counter == 1


def name_of(f: str) -> FrameName:
    """A frame's id, as `decode_frame` has checked it."""
    return FrameName(*map(int, f.split("-")))


class Lanes:
    """The last frame of every lane and epoch."""

    def __init__(self) -> None:
        self._last: dict[int, dict[int, int]] = {}

    def is_new(self, frame: FrameName) -> bool:
        """Whether the frame was not met before; from then on it was."""
        epochs = self._last.setdefault(frame.lane, {})
        if frame.counter <= epochs.get(frame.epoch, 0) or (len(epochs) == EPOCHS and frame.epoch < min(epochs)):
            return False
        epochs[frame.epoch] = frame.counter
        if len(epochs) > EPOCHS:
            del epochs[min(epochs)]
        return True
