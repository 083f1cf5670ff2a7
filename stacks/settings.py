"""What one deployment may choose. Everything else is a decision and stands in the stacks."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from shared.errors import PermanentError
from shared.stores.certificates import regions
from speed_layer.signals.config import configured

EDGE_REGION = "us-east-1"
"""The one region of CloudFront's logs, certificates and web ACLs."""
US_EAST_1_PREFIX_LIST = "pl-3b927c52"
CLI_VERSION = "CDK_CLI_VERSION"
"""A variable that the CDK's command line sets for the program that it runs."""
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One environment of the platform, checked when it is made."""

    environment: str = "dev"
    """Part of every stack name and of the cache's names: a letter, then up to 15 lower-case letters, digits or -."""
    profile: Literal["lean", "full"] = "lean"
    """What makes the bars. `lean`: the Python engine inside the ingester; hundreds of symbols, smallest bill. `full`:
    an application of the Flink service; the whole market."""
    symbols: tuple[str, ...] = ("*",)
    """Case-sensitive vendor tickers to subscribe to; `*` alone is the whole market."""
    shards: int = 2
    """Shards of the trades stream: `condvest cost` tells how many a load's peak takes."""
    lanes_per_shard: int = 2
    """Lanes are a multiple of shards, so every shard carries the same number of them and none is ever silent."""
    log_retention_days: int = 30
    """Days that function, task and access logs are kept; one of NUMBERS."""
    strategies: str = ""
    """JSON of the signal strategies (speed_layer/signals/config.py); empty: those of strategies.json beside it."""
    push: bool = False
    """Whether the optional WebSocket push (`on` or `off` in the context) is deployed."""
    region: str = "us-east-1"
    """Where every stack but `edge` is deployed; `edge` reads their outputs from there. One whose database can be told
    by the roots we have (shared/stores/certificates)."""
    database_units: int = 4
    """Most capacity units (2 GiB of memory each) of the database, one of NUMBERS; unused it has none."""
    vendor_calls_a_minute: int = 5
    """Calls that the vendor's REST API takes from the nightly; 5 is the free plan's."""
    alarm_email: str = ""
    """Who is told of alarms, once that address has confirmed it; empty: subscribe to the topic `AlarmTopicArn`."""
    budget_usd: int = 260
    """Charges of the account in a month, in USD, above which somebody is told."""
    cloudfront_prefix_list: str = US_EAST_1_PREFIX_LIST
    """Id, in `region`, of the managed prefix list com.amazonaws.global.cloudfront.origin-facing; push admits it."""

    web_acl: Literal["by_profile", "on", "off"] = "by_profile"
    """Whether the edge has a web ACL, at a fixed price a month; by profile: in `full`."""
    domain: str = ""
    """Name by which the edge is called, such as bars.example.com; empty: CloudFront's own."""
    certificate_arn: str = ""
    """Of its certificate, in us-east-1. Given with `domain`, or not at all."""
    origin_secret_version: str = ""
    """Version id of the secret that the edge shows to the API; empty: the current one of when `edge` is first deployed.
    Naming another one is how it is changed (docs/keys.md)."""

    def __post_init__(self) -> None:
        for name, (pattern, rule) in RULES.items():
            if not re.fullmatch(pattern, value := getattr(self, name)):
                raise ValueError(f"{name} must be {rule}, was {value!r}")
        if not self.symbols or ("*" in self.symbols and len(self.symbols) > 1):
            raise ValueError(f"symbols must be tickers, or '*' alone, was {','.join(self.symbols)!r}")
        if wrong := [s for s in self.symbols if s != "*" and not re.fullmatch(r"[A-Za-z][A-Za-z0-9./-]{0,15}", s)]:
            raise ValueError(f"symbols must be tickers of 1 to 16 letters, digits or . / -, was {wrong[0]!r}")
        for name, allowed in NUMBERS.items():
            if (number := getattr(self, name)) not in allowed:
                rule = f"one of {allowed}" if isinstance(allowed, tuple) else f"at least {allowed.start}"
                raise ValueError(f"{name} must be {rule}, was {number}")
        if bool(self.domain) != bool(self.certificate_arn):
            raise ValueError("domain and certificate_arn must be given together")
        try:
            configured(self.strategies)
        except PermanentError as error:
            raise ValueError(f"strategies: {error}") from error
        if self.push and self.region != "us-east-1" and self.cloudfront_prefix_list == US_EAST_1_PREFIX_LIST:
            raise ValueError(f"cloudfront_prefix_list must be that of {self.region} when push is on there")

    @property
    def has_web_acl(self) -> bool:
        return self.web_acl == "on" or (self.web_acl == "by_profile" and self.profile == "full")

    @property
    def lanes(self) -> int:
        """Lanes of the trades stream; changed only between sessions, because a symbol's lane follows from it."""
        return self.shards * self.lanes_per_shard

    @property
    def metrics_namespace(self) -> str:
        """Of our own metrics; alarms begin with it."""
        return f"condvest-{self.environment}"

    @classmethod
    def from_context(cls, context: dict[str, Any]) -> Settings:
        """Settings from CDK context (`-c shards=4 -c symbols=SPY,QQQ`), where every value arrives as text."""
        given = {f.name: context[f.name] for f in fields(cls) if f.name in context}
        for name in NUMBERS:
            if name in given:
                if not re.fullmatch(r"[0-9]{1,6}", str(given[name])):
                    raise ValueError(f"{name} must be a whole number, was {given[name]!r}")
                given[name] = int(given[name])
        if "symbols" in given:
            given["symbols"] = tuple(s for s in str(given["symbols"]).split(",") if s)
        if "push" in given:
            if given["push"] not in SWITCH:
                raise ValueError(f"push must be on or off, was {given['push']!r}")
            given["push"] = SWITCH[given["push"]]
        return cls(**given)


def context_of(words: Iterable[str]) -> dict[str, str]:
    """CDK context from `KEY=VALUE` words of a command line. Raises ValueError for any other word."""
    pairs = {word: word.partition("=") for word in words}
    if wrong := [word for word, (_, equals, _) in pairs.items() if not equals]:
        raise ValueError(f"a setting is given as KEY=VALUE, was {wrong[0]!r}")
    return {key: value for key, _, value in pairs.values()}


RULES = {
    "environment": (
        r"[a-z][a-z0-9-]{0,15}",
        "a letter, then up to 15 of a-z 0-9 - (it becomes part of stack and cache names)",
    ),
    "profile": (r"lean|full", "'lean' or 'full'"),
    "region": ("|".join(sorted(regions())), "a region of AWS whose database we can tell, such as eu-west-1"),
    "alarm_email": (r"|[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address, or empty"),
    "web_acl": (r"by_profile|on|off", "by_profile, on or off"),
    "domain": (r"|([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", "a name such as bars.example.com, or empty"),
    "certificate_arn": (
        rf"|arn:aws:acm:{EDGE_REGION}:[0-9]{{12}}:certificate/[0-9a-f-]{{36}}",
        f"the ARN of a certificate in {EDGE_REGION}, or empty",
    ),
    "origin_secret_version": (r"|[0-9A-Za-z-]{32,64}", "a version id of 32 to 64 letters, digits or -, or empty"),
    "cloudfront_prefix_list": (r"pl-[0-9a-f]{8,17}", "pl- and 8 to 17 hexadecimal digits"),
}
"""Fields of text: the pattern and the words for it."""
NUMBERS: dict[str, range | tuple[int, ...]] = {
    "shards": range(1, 10_000),
    "lanes_per_shard": range(1, 10_000),
    "vendor_calls_a_minute": range(1, 100_000),
    "log_retention_days": (7, 14, 30, 90, 365),
    "budget_usd": range(1, 100_000),
    "database_units": (1, 2, 4, 8, 16, 32, 64, 128),
}
"""Fields of whole numbers: what they may be."""
SWITCH = {"on": True, "off": False}


def feature_flags() -> dict[str, Any]:
    """The `context` of cdk.json: `python app.py` without the CDK's command line must read the same flags."""
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    return context


def code_version() -> str:
    """The version of this source tree, which is written beside what it makes."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])
