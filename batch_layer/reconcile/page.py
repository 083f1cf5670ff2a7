"""The report as one page that needs nothing else: no script, no request; its policy allows its own style only."""

import base64
import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from html import escape
from importlib import resources

from batch_layer.reconcile.charts import columns, max_column, share, span
from batch_layer.reconcile.report import FIELDS, KINDS, Between, Comparison, Difference, Kind, Report
from shared.bars.windows import NEW_YORK

MOST_SYMBOLS = 40
NONE = "-"
WORDS = dict(zip(FIELDS, ("open", "high", "low", "close", "volume", "VWAP", "trades"), strict=True))
MOST_ROWS = 200
"""Of differences of one kind on the page; the JSON beside it has more."""

_NAMES: dict[Between, str] = {
    "speed view": "Speed view",
    "vendor minutes": "Vendor's minutes",
    "vendor days": "Vendor's days",
}


def page(report: Report) -> str:
    style = resources.files("batch_layer.reconcile").joinpath("page.css").read_text()
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'"
    return "".join(
        (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f"<title>Reconciliation of {report.day}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n",
            *_parts(report),
            "</main>\n</body>\n</html>\n",
        )
    )


def _parts(report: Report) -> Iterator[str]:
    yield _head(report)
    yield f'<div class="cards">{"".join(map(_card, report.comparisons))}</div>\n'
    yield _legend(report)
    charts = [_chart(one) for one in report.comparisons if one.between != "vendor days" and one.half_hours]
    if charts:
        yield f"<h2>When they differ</h2>\n{''.join(charts)}"
    told = [_symbols(one) for one in report.comparisons if one.between == "vendor minutes" and one.symbols]
    if told:
        yield f"<h2>Symbols</h2>\n{''.join(told)}"
    if report.differences:
        yield "<h2>Differences</h2>\n"
        yield from (_kind(kind, report) for kind in reversed(tuple(KINDS)))


def _head(report: Report) -> str:
    bad = report.unexplained
    verdict = f"{bad:,} unexplained" if bad else "Nothing is unexplained"
    known = report.known_at.astimezone(NEW_YORK)
    vendor = f"The vendor's bars are those of {escape(report.vendor)}." if report.vendor else "No vendor was asked."
    return (
        f"<h1>Reconciliation of {report.day:%A}, {report.day.day} {report.day:%B %Y}</h1>\n"
        f'<p class="verdict {"bad" if bad else "good"}">{verdict}</p>\n'
        f'<p class="quiet">Rebuilt from the raw log and compared at {known:%Y-%m-%d %H:%M} New York. {vendor}</p>\n'
    )


def _card(one: Comparison) -> str:
    percent = f"{one.equal * 100 / one.bars:.2f} %" if one.bars else "no bars"
    parts: list[tuple[str, int]] = [("equal", one.equal), *((kind, one.kinds.get(kind, 0)) for kind in KINDS)]
    kinds = ", ".join(f"{one.kinds[kind]:,} {kind}" for kind in KINDS if one.kinds.get(kind))
    return (
        f'<section class="card"><h3>{_name(one)}</h3><strong>{percent}</strong>'
        f"<p>{one.equal:,} of {one.bars:,} bars are equal</p>{share(parts)}"
        f'<p class="quiet">{kinds or "no difference"}</p></section>'
    )


def _name(one: Comparison) -> str:
    return _NAMES[one.between]


def _legend(report: Report) -> str:
    counts = {kind: sum(one.kinds.get(kind, 0) for one in report.comparisons) for kind in KINDS}
    rows = (
        f'<li><svg viewBox="0 0 10 10" aria-hidden="true"><rect class="{kind}" width="10" height="10"/></svg>'
        f"<span><b>{kind} {count:,}</b>: {escape(KINDS[kind])}</span></li>"
        for kind, count in counts.items()
    )
    return f'<ul class="kinds">{"".join(rows)}</ul>\n'


def _chart(one: Comparison) -> str:
    slots = span(one.half_hours)
    marks = range(slots.start, slots.stop + 1, len(slots) // 4)
    hours = "".join(f"<span>{slot // 2:02d}:00</span>" for slot in marks)
    return (
        f'<section class="chart"><h3>{_name(one)}</h3>'
        f'<p class="quiet">Differing bars by half hour, New York; up to {max_column(one.half_hours):,}</p>'
        f'{columns(one.half_hours)}<div class="axis">{hours}</div></section>\n'
    )


def _symbols(one: Comparison) -> str:
    """Those with most differences first."""
    most = sorted(one.symbols.items(), key=lambda entry: (entry[1][1] - entry[1][0], entry[0]))
    rows = "".join(
        f'<tr><td>{escape(sym)}</td><td class="number">{bars:,}</td><td class="number">{bars - equal:,}</td>'
        f'<td class="wide">{share([("equal", equal), ("differs", bars - equal)])}</td></tr>'
        for sym, (bars, equal) in most[:MOST_SYMBOLS]
    )
    left = f'<p class="quiet">and {len(most) - MOST_SYMBOLS:,} more</p>' if len(most) > MOST_SYMBOLS else ""
    head = '<tr><th>symbol</th><th class="number">bars</th><th class="number">differ</th><th>equal</th></tr>'
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>{left}\n"


def _kind(kind: Kind, report: Report) -> str:
    found = [one for one in report.differences if one.kind == kind]
    count = sum(one.kinds.get(kind, 0) for one in report.comparisons)
    if not count:
        return ""
    shown = found[:MOST_ROWS]
    left = (
        f'<p class="quiet">{count - len(shown):,} more; report.json has most of them</p>' if count > len(shown) else ""
    )
    head = "<tr><th>New York</th><th>symbol</th><th>ours and theirs</th><th>why</th></tr>"
    opened = " open" if kind in {"unexplained", "ours", "gap"} else ""
    return (
        f'<details{opened}><summary><span class="{kind}">{kind}</span>: {count:,}</summary>'
        f'<table class="differences"><thead>{head}</thead><tbody>{_rows(shown)}</tbody></table>{left}</details>\n'
    )


def _rows(differences: Iterable[Difference]) -> str:
    return "".join(
        f'<tr><td class="when">{_when(one)}</td><td>{escape(one.sym)}</td>'
        f'<td class="told">{_fields(one)}</td><td class="reason">{escape(one.reason)}</td></tr>'
        for one in differences
    )


def _when(one: Difference) -> str:
    """The minute, with the view it differs from where that is not the vendor's."""
    if one.between == "vendor days":
        return "the day"
    at = f"{datetime.fromtimestamp(one.t // 1000, NEW_YORK):%H:%M}"
    return f"{at} speed view" if one.between == "speed view" else at


def _fields(one: Difference) -> str:
    ours, theirs = one.ours or {}, one.theirs or {}
    whose = "speed" if one.between == "speed view" else "vendor"
    rows = (
        f"<dt>{WORDS[name]}</dt><dd>{escape(ours.get(name, NONE))}</dd>"
        f"<dd>{escape(theirs.get(name, NONE))} <small>{whose}</small></dd>"
        for name in one.fields
    )
    return f'<dl class="fields">{"".join(rows)}</dl>'
