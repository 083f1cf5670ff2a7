"""The pages docs/rights.md and docs/kept.md, from the assemblies of both profiles."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stacks.audit.kept import kept
from stacks.audit.pages import kept_page, rights_page
from stacks.audit.reading import Reading
from stacks.audit.rights import grants
from stacks.synth import templates

CONTEXTS = {profile: {"profile": profile, "push": "on"} for profile in ("full", "lean")}
"""Everything that a profile can have: the settings (`stacks/settings.py`) of the assemblies that are looked at."""


def documents(assemblies: Mapping[str, Path]) -> dict[str, str]:
    """File name below docs/ -> text, from the assembly of each profile."""
    readings = {profile: Reading.of(templates(assembly)) for profile, assembly in assemblies.items()}
    return {
        "rights.md": rights_page({profile: grants(reading) for profile, reading in readings.items()}),
        "kept.md": kept_page({profile: kept(reading) for profile, reading in readings.items()}),
    }
