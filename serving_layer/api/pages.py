"""Minutes or days put together into the windows of a request, one page at a time.

`limit` counts minutes (or days) read, as Polygon counts them. A window that the limit cuts off is left to the next
page, which starts with it; yet every page that others follow shows a bar, however much must be read for it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Generic, TypeVar

from serving_layer.api.bar_request import MOST_LIMIT
from shared.polygon.answers import how_many_fit

_LOOK_EVERY = 1_000
"""Items between two looks at the clock."""

K = TypeVar("K", int, date)
"""What times are told in: Unix ms, or New York dates."""
T = TypeVar("T")


@dataclass(slots=True)
class Page(Generic[K]):
    """Bars in the order asked for, as text. `windows[i]`: start of bar i; `base[i]`: items read up to its end. `rest`:
    start of the first window left to the next page, None on the last."""

    texts: list[str] = field(default_factory=list)
    windows: list[K] = field(default_factory=list)
    base: list[int] = field(default_factory=list)
    rest: K | None = None

    @property
    def query_count(self) -> int:
        return self.base[-1] if self.base else 0

    def show(self, window: K, text: str | None, read: int) -> None:
        """Add the bar of a whole window, if trades have given it prices."""
        if text is not None:
            self.texts.append(text)
            self.windows.append(window)
            self.base.append(read)

    def cut(self) -> None:
        """Leave what does not fit into an answer to the next page."""
        kept = how_many_fit(self.texts)
        if kept < len(self.texts):
            self.rest = self.windows[kept]
            del self.texts[kept:], self.windows[kept:], self.base[kept:]


def read_page(
    items: Iterator[tuple[K, T]],
    floor: Callable[[K], K],
    text_of: Callable[[K, Sequence[tuple[K, T]]], str | None],
    limit: int,
    late: Callable[[], bool],
) -> Page[K]:
    """The first page of `items`, which are those of the request's range, each once, in its direction.

    `floor`: start of the window that holds a time; `text_of`: the bar of a window and its items. Stops early, at the
    end of a window, once `late()` says that the answer cannot wait for more.
    """
    page: Page[K] = Page()
    window, held, look_at = None, [], _LOOK_EVERY
    for read, item in enumerate(items):
        if read == look_at:
            look_at += _LOOK_EVERY
            limit = read if late() else limit
        start = floor(item[0])
        if start == window:
            if read >= limit and page.texts:
                break  # cut off: the next page begins with this window
            held.append(item)
        else:
            if window is not None:
                page.show(window, text_of(window, held), read)
                if read >= limit and (page.texts or read >= MOST_LIMIT):
                    break
            window, held = start, [item]
    else:
        if window is not None:
            page.show(window, text_of(window, held), read + 1)
        page.cut()
        return page
    page.rest = start
    page.cut()
    return page
