"""Feed time at a speed: which lines are due after so many seconds, nights left out."""

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from local_dev.vendor.lines import Int64s
from local_dev.vendor.schedule import HOUR_MS, new_york_day


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The lines of one trade date: positions [first, last), feed time ms, run time ms at its start."""

    first: int
    last: int
    start_ms: int
    end_ms: int
    run_ms: int


class Timeline:
    """Maps run time (seconds since the clock started, nights skipped, at `speed`) to feed time and position."""

    def __init__(self, due_ms: Int64s, *, speed: float, from_ms: int | None = None) -> None:
        """`due_ms` never falls and is not empty; `from_ms` is feed time at the start (default: the first line's)."""
        self._due_ms = due_ms
        self._speed = speed
        self._stretches = _stretches(due_ms)
        self._run_starts = [stretch.run_ms for stretch in self._stretches]
        self.start_position = 0 if from_ms is None else int(np.searchsorted(due_ms, from_ms, side="left"))
        self._offset_ms = self._run_ms_of(self.start_position, from_ms)

    def position_at(self, elapsed_s: float) -> int:
        """How many lines of the recording are due `elapsed_s` after the clock started."""
        run_ms = self._offset_ms + elapsed_s * 1000 * self._speed
        stretch = self._stretch_at(run_ms)
        feed_ms = stretch.start_ms + run_ms - stretch.run_ms
        lines = self._due_ms[stretch.first : stretch.last]
        due = stretch.first + int(np.searchsorted(lines, feed_ms, side="right"))
        return max(due, self.start_position)

    def clock_ms_at(self, elapsed_s: float) -> int:
        """Feed time (Unix ms) `elapsed_s` after the clock started; stands still after the last line."""
        run_ms = self._offset_ms + elapsed_s * 1000 * self._speed
        stretch = self._stretch_at(run_ms)
        return min(int(stretch.start_ms + run_ms - stretch.run_ms), stretch.end_ms)

    def seconds_until(self, position: int) -> float:
        """Seconds after the clock's start at which the line at `position` is due."""
        return (self._run_ms_of(position, None) - self._offset_ms) / 1000 / self._speed

    def _stretch_at(self, run_ms: float) -> _Stretch:
        return self._stretches[max(bisect_right(self._run_starts, run_ms) - 1, 0)]

    def _run_ms_of(self, position: int, feed_ms: int | None) -> int:
        """Run time at which feed time is `feed_ms` (default: the line's own), just before the line at `position`."""
        if position >= len(self._due_ms):
            final = self._stretches[-1]
            return final.run_ms + final.end_ms - final.start_ms
        stretch = next(stretch for stretch in self._stretches if position < stretch.last)
        feed_ms = int(self._due_ms[position]) if feed_ms is None else feed_ms
        return stretch.run_ms + max(feed_ms - stretch.start_ms, 0)


def _stretches(due_ms: Int64s) -> list[_Stretch]:
    """Cut where more than an hour passes without a line and the New York date changes."""
    gaps = np.flatnonzero(np.diff(due_ms) > HOUR_MS) + 1
    cuts = [cut for cut in gaps.tolist() if new_york_day(int(due_ms[cut - 1])) != new_york_day(int(due_ms[cut]))]
    stretches: list[_Stretch] = []
    run_ms = 0
    for first, last in zip([0, *cuts], [*cuts, len(due_ms)], strict=True):
        start_ms, end_ms = int(due_ms[first]), int(due_ms[last - 1])
        stretches.append(_Stretch(first, last, start_ms, end_ms, run_ms))
        run_ms += end_ms - start_ms
    return stretches
