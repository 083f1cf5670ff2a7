"""What `up` shows: steps, addresses, and one line on how the feed goes; plain lines unless a person watches."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from local_dev.runtime.feed import Feed
from local_dev.runtime.finish import Counts
from local_dev.runtime.platform import Platform
from local_dev.runtime.poller import Poller
from shared.bars.windows import NEW_YORK

PLAIN_SECONDS = 5.0


class Screen:
    def __init__(self, out: TextIO) -> None:
        self._console = Console(file=out, highlight=False, soft_wrap=True)
        self._live: Live | None = None
        self._said_at = 0.0
        self._before = (time.monotonic(), 0)

    def step(self, text: str) -> None:
        self._end_live()
        self._console.print(text)

    def lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.step(line)

    def welcome(self, platform: Platform, feed: Feed | None, state: Path) -> None:
        if platform.state.record.is_simulated:
            self.step("SIMULATED: a made-up market; nothing here is a price of anything")
        rows = {
            "dashboard": f"{platform.url}/",
            "REST API": platform.url,
            "WebSocket": f"{platform.url.replace('http', 'ws', 1)}/stocks",
            "health": f"{platform.url}/v1/health",
            "local key": platform.key,
            **({"vendor": feed.url} if feed else {}),
            **platform.endpoints,
            "state": str(state),
            "logs": str(state / "logs"),
        }
        if not self._console.is_terminal:
            width = max(map(len, rows))
            self.lines(f"{name:<{width}}  {value}" for name, value in rows.items())
            return
        table = Table(show_header=False)
        for name, value in rows.items():
            table.add_row(name, value)
        self._console.print(table)

    def status(
        self, epochs: Sequence[Mapping[str, Any]], signals: int, pollers: Mapping[str, Poller], *, simulated: bool
    ) -> None:
        """Called twice a second or so; a person sees each, a log one in five seconds."""
        mark = "SIMULATED | " if simulated else ""
        if self._console.is_terminal:
            if self._live is None:
                self._live = Live(console=self._console, refresh_per_second=4)
                self._live.start()
            self._live.update(Text(mark + self._status_text(epochs, signals, pollers)))
        elif time.monotonic() - self._said_at >= PLAIN_SECONDS:
            self._said_at = time.monotonic()
            self._console.print(mark + self._status_text(epochs, signals, pollers))

    def _status_text(self, epochs: Sequence[Mapping[str, Any]], signals: int, pollers: Mapping[str, Poller]) -> str:
        total = {name: sum(epoch.get(name, 0) for epoch in epochs) for name in ("trades_in", "bars", "late")}
        last_ms = max((epoch.get("last_trade_ms", 0) for epoch in epochs), default=0)
        at = datetime.fromtimestamp(last_ms / 1000, NEW_YORK).strftime("%Y-%m-%d %H:%M:%S") if last_ms else "waiting"
        now, (then, before) = time.monotonic(), self._before
        rate = (total["trades_in"] - before) / max(now - then, 1e-3)
        self._before = (now, total["trades_in"])
        handled = " ".join(f"{role} {poller.counts.records:,}" for role, poller in pollers.items())
        return (
            f"{at} | trades {total['trades_in']:,} ({max(rate, 0):,.0f}/s) | bars {total['bars']:,} | "
            f"late {total['late']:,} | signals {signals:,} | records {handled}"
        )

    def _end_live(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def summary(counts: Counts) -> Iterator[str]:
    """One line a count: its name, then its number, and by what it divides."""
    for name in ("trades_in", "frames", "parts", "bars", "late", "duplicates", "quarantined", "lost"):
        by = counts.reasons if name == "quarantined" else {}
        yield f"{name.replace('_', ' '):<12}{getattr(counts, name):>14,}{_divided(by)}"
    if counts.gaps_unfilled:
        yield f"{'gaps':<12}{counts.gaps_unfilled:>14,}  (times without the feed that REST did not fill either)"
    if counts.given_up:
        yield f"{'given up':<12}{counts.given_up:>14,}  (stream records, kept under aws/lambda in the lake)"
    yield f"{'ignored':<12}{sum(counts.ignored.values()):>14,}{_divided(counts.ignored)}"


def _divided(counts: Mapping[str, int]) -> str:
    return f"  ({', '.join(f'{name} {count:,}' for name, count in sorted(counts.items()))})" if counts else ""
