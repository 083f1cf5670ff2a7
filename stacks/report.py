"""What `stacks.synth` tells of an assembly: sizes beside what CloudFormation takes, findings, rights."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from stacks.audit.reading import Reading
from stacks.audit.rights import grants, totals
from stacks.constructs.bundle import BUNDLES, build
from stacks.constructs.zips import zipped

INLINE_BYTES = 51_200
"""A template up to this size deploys by plain CloudFormation, without a bucket to fetch it from."""
BYTES = 1_000_000
BUNDLE_MB = 250
"""What Lambda takes of one function, unpacked."""
RESOURCES = 500
OUTPUTS = 200
"""CloudFormation's quotas for one template: they cannot be raised."""


@dataclass(frozen=True, slots=True)
class Size:
    """Of one template."""

    stack: str
    bytes: int
    resources: int
    outputs: int

    @classmethod
    def of(cls, template: Path) -> Size:
        body = json.loads(template.read_text(encoding="utf-8"))
        stack, held = template.name.removesuffix(".template.json"), template.stat().st_size
        return cls(stack, held, len(body["Resources"]), len(body.get("Outputs", {})))

    @property
    def fits(self) -> bool:
        """Whether CloudFormation takes it, inline."""
        return self.bytes < INLINE_BYTES and self.resources <= RESOURCES and self.outputs <= OUTPUTS


def findings(out: Path) -> list[tuple[str, str]]:
    """(rule, construct path) of everything the checks found and nobody acknowledged."""
    return [
        (violation["ruleName"], construct["constructPath"])
        for report in _reports(out)
        for violation in report["violations"]
        for construct in violation["violatingConstructs"]
    ]


def acknowledged(out: Path) -> list[dict[str, Any]]:
    """What the checks found and somebody gave a reason for."""
    return [violation for report in _reports(out) for violation in report.get("suppressedViolations", ())]


def too_large(templates: Iterable[Path]) -> list[str]:
    """Stacks that plain CloudFormation would not take."""
    return [size.stack for size in map(Size.of, templates) if not size.fits]


def lines(out: Path, templates: Sequence[Path]) -> Iterator[str]:
    """The whole report of the assembly in `out`."""
    found, sizes = findings(out), [Size.of(template) for template in templates]
    head = f"{'template':<12}{'bytes':>8} of {INLINE_BYTES} inline, {BYTES} in all"
    yield f"{head}{'resources':>12}{'outputs':>16}{'open':>9}"
    for size in sizes:
        mine = sum(where.partition("/")[0] == size.stack for _, where in found)
        share = f"{size.bytes / INLINE_BYTES:.0%}, {size.bytes / BYTES:.1%}"
        counted = f"{size.resources:>14} of {RESOURCES}{size.outputs:>9} of {OUTPUTS}{mine:>9}"
        yield f"{size.stack:<12}{size.bytes:>8} {share:<23}{counted}"
    accepted = acknowledged(out)
    rules = Counter(violation["ruleName"].partition("[")[0] for violation in accepted)
    packs = " and ".join(report["pluginName"] for report in _reports(out))
    yield f"checks: {packs}: {len(found)} open, {len(accepted)} of {len(rules)} rules acknowledged with a reason"
    yield f"rights: {totals(grants(Reading.of(templates)))}"


def uploads(documents: Path) -> Iterator[str]:
    """What each function uploads, beside what Lambda takes, and the packages in it (`stacks.sbom`)."""
    yield f"{'bundle':<12}{'MB zipped':>12}{f'MB of {BUNDLE_MB}':>12}{'packages':>10}"
    for name in BUNDLES:
        upload = zipped(build(name))
        with ZipFile(upload) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        packages = json.loads((documents / f"{name}.cdx.json").read_text(encoding="utf-8"))["components"]
        sizes = f"{upload.stat().st_size / 2**20:>12.1f}{unpacked / 2**20:>12.1f}"
        yield f"{name:<12}{sizes}{len(packages):>10}"


def _reports(out: Path) -> list[dict[str, Any]]:
    file = out / "validation-report.json"
    held: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["pluginReports"] if file.exists() else []
    return held
