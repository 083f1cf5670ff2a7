"""What one deployment may choose. Everything else is a decision and stands in the stacks."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One environment of the platform, checked when it is made."""

    environment: str = "dev"
    """Part of every stack name and of the cache's names: a letter, then up to 15 lower-case letters, digits or -."""
    profile: Literal["lean"] = "lean"
    """`lean`: the Python engine inside the ingester makes the bars; hundreds of symbols, smallest bill."""
    symbols: tuple[str, ...] = ("*",)
    """Case-sensitive vendor tickers to subscribe to; `*` alone is the whole market."""
    shards: int = 2
    """Shards of the trades stream: peak bytes a second / 0.66 MB, rounded up."""
    lanes_per_shard: int = 2
    """Lanes are a multiple of shards, so every shard carries the same number of them and none is ever silent."""
    log_retention_days: int = 30
    """Days that function, task and access logs are kept; one of RETENTION_DAYS."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,15}", self.environment):
            raise ValueError(
                f"environment must be a letter, then up to 15 of a-z 0-9 -, was {self.environment!r}: "
                "it becomes part of stack and cache names"
            )
        if self.profile != "lean":
            raise ValueError(f"profile must be 'lean', was {self.profile!r}")
        if not self.symbols or ("*" in self.symbols and len(self.symbols) > 1):
            raise ValueError(f"symbols must be tickers, or '*' alone, was {','.join(self.symbols)!r}")
        if wrong := [s for s in self.symbols if s != "*" and not re.fullmatch(r"[A-Za-z][A-Za-z0-9./-]{0,15}", s)]:
            raise ValueError(f"symbols must be tickers of 1 to 16 letters, digits or . / -, was {wrong[0]!r}")
        if self.shards < 1:
            raise ValueError(f"shards must be at least 1, was {self.shards}")
        if self.lanes_per_shard < 1:
            raise ValueError(f"lanes_per_shard must be at least 1, was {self.lanes_per_shard}")
        if self.log_retention_days not in RETENTION_DAYS:
            raise ValueError(f"log_retention_days must be one of {RETENTION_DAYS}, was {self.log_retention_days}")

    @property
    def lanes(self) -> int:
        """Lanes of the trades stream; changed only between sessions, because a symbol's lane follows from it."""
        return self.shards * self.lanes_per_shard

    @classmethod
    def from_context(cls, context: dict[str, Any]) -> Settings:
        """Settings from CDK context (`-c shards=4 -c symbols=SPY,QQQ`), where every value arrives as text."""
        given = {f.name: context[f.name] for f in fields(cls) if f.name in context}
        for name in ("shards", "lanes_per_shard", "log_retention_days"):
            if name in given:
                if not re.fullmatch(r"[0-9]{1,6}", str(given[name])):
                    raise ValueError(f"{name} must be a whole number, was {given[name]!r}")
                given[name] = int(given[name])
        if "symbols" in given:
            given["symbols"] = tuple(s for s in str(given["symbols"]).split(",") if s)
        return cls(**given)


RETENTION_DAYS = (7, 14, 30, 90, 365)


def feature_flags() -> dict[str, Any]:
    """The `context` of cdk.json: `python app.py` without the CDK's command line must read the same flags."""
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    return context
