"""Pictures of counts as SVG without text: they stretch to any width, and what they say stands in HTML beside them."""

from collections.abc import Mapping, Sequence

from batch_layer.reconcile.report import HALF_HOURS, KINDS, Kind

WIDTH = 1000
"""Units across a picture, whatever its width on the screen."""
TRADING, WHOLE_DAY = range(8, 40), range(HALF_HOURS)
"""Half hours from 04:00 to 20:00, when there are trades, and those of a market that never closes."""
_BAR_GAP = 3


def share(parts: Sequence[tuple[str, int]]) -> str:
    """One bar, divided by counts; each part has a class and a count. A part that is there is seen, however small."""
    total = sum(count for _, count in parts) or 1
    shown = [(name, count) for name, count in parts if count]
    least = WIDTH // 100
    widths = [max(least, round(count * WIDTH / total)) for _, count in shown]
    if widths:
        widths[widths.index(max(widths))] += WIDTH - sum(widths)
    at, rects = 0, []
    for (name, count), width in zip(shown, widths, strict=True):
        rects.append(_rect(name, (at, 0, width, 10), f"{name}: {count:,}"))
        at += width
    words = ", ".join(f"{name} {count:,}" for name, count in shown)
    return _svg("share", 10, rects, words)


def columns(counts: Mapping[Kind, Sequence[int]], height: int = 100) -> str:
    """A column for each half hour of `span`, divided by kinds; the highest fills the picture."""
    greatest = max_column(counts) or 1
    slots = span(counts)
    width = WIDTH / len(slots)
    rects = []
    for place, slot in enumerate(slots):
        top = float(height)
        for kind in (kind for kind in KINDS if kind in counts and counts[kind][slot]):
            tall = counts[kind][slot] * height / greatest
            top -= tall
            told = f"{_clock(slot)} {kind}: {counts[kind][slot]:,}"
            rects.append(_rect(kind, (place * width + _BAR_GAP, top, width - 2 * _BAR_GAP, tall), told))
    return _svg("columns", height, rects, "differing bars by half hour")


def span(counts: Mapping[Kind, Sequence[int]]) -> range:
    """The half hours that a picture shows: those of trading, or all where others have something."""
    outside = any(sum(of_kind[: TRADING.start]) + sum(of_kind[TRADING.stop :]) for of_kind in counts.values())
    return WHOLE_DAY if outside else TRADING


def max_column(counts: Mapping[Kind, Sequence[int]]) -> int:
    """The greatest number of one half hour."""
    return max((sum(of_slot) for of_slot in zip(*counts.values(), strict=True)), default=0)


def _clock(slot: int) -> str:
    return f"{slot // 2:02d}:{slot % 2 * 30:02d}"


def _rect(name: str, box: tuple[float, float, float, float], told: str) -> str:
    x, y, width, height = (f"{number:.2f}".rstrip("0").rstrip(".") for number in box)
    return f'<rect class="{name}" x="{x}" y="{y}" width="{width}" height="{height}"><title>{told}</title></rect>'


def _svg(name: str, height: int, rects: Sequence[str], label: str) -> str:
    box = f'viewBox="0 0 {WIDTH} {height}" preserveAspectRatio="none"'
    return f'<svg class="{name}" {box} role="img" aria-label="{label}">{"".join(rects)}</svg>'
