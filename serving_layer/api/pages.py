"""Minutes rolled up into the windows of a request, one page at a time.

`limit` counts minutes read, as Polygon counts it. A window that the limit cuts off is left to the next page, which
starts with it; yet every page that others follow shows a bar, however many minutes that takes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from serving_layer.api.bar_request import MOST_LIMIT, BarRequest
from shared.bars.algebra import merge, present
from shared.models.bar import EMPTY, Bar, Partial

_LOOK_EVERY = 1_000
"""Minutes between two looks at the clock."""


@dataclass(slots=True)
class Page:
    """Bars in the order asked for. `base[i]`: minutes read up to the end of bar i. `position`: where the next page
    starts (see BarRequest.path_after), None on the last."""

    bars: list[Bar] = field(default_factory=list)
    base: list[int] = field(default_factory=list)
    position: int | None = None

    @property
    def query_count(self) -> int:
        return self.base[-1] if self.base else 0

    def show(self, window: int, partial: Partial, read: int) -> None:
        """Add the bar of a whole window, if trades have given it prices."""
        bar = present(window, partial)
        if bar is not None:
            self.bars.append(bar)
            self.base.append(read)

    def cut(self, kept: int, request: BarRequest) -> None:
        """Leave all but the first bars to the next page."""
        if kept < len(self.bars):
            self.position = _position(self.bars[kept].t, request)
            del self.bars[kept:], self.base[kept:]


def read_page(
    minutes: Iterator[tuple[int, Partial]], request: BarRequest, late: Callable[[], bool] = lambda: False
) -> Page:
    """The first page of `minutes`, which are those of the request's range, each once, in its direction.

    Stops early, at the end of a window, once `late()` says that the answer cannot wait for more.
    """
    page = Page()
    anchor, width, limit = request.anchor, request.width_ms, request.limit
    window, partial, look_at = None, EMPTY, _LOOK_EVERY
    for read, (t, minute) in enumerate(minutes):
        if read == look_at:
            look_at += _LOOK_EVERY
            limit = read if late() else limit
        start = t - (t - anchor) % width
        if start == window:
            if read >= limit and page.bars:
                break  # cut off: the next page begins with this window
            partial = merge(partial, minute)
        else:
            if window is not None:
                page.show(window, partial, read)
                if read >= limit and (page.bars or read >= MOST_LIMIT):
                    break
            window, partial = start, minute
    else:
        if window is not None:
            page.show(window, partial, read + 1)
        return page
    page.position = _position(start, request)
    return page


def _position(window: int, request: BarRequest) -> int:
    return window + request.width_ms if request.descending else window
