"""Findings of the security packs that we accept, each on the smallest construct that has it."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

MIN_REASON = 40
"""Characters: shorter than this is a label, not a reason."""


def acknowledge(construct: IConstruct, findings: Mapping[str, str]) -> None:
    """Accept `findings` (rule id -> reason) on `construct` and what is below it.

    Raises ValueError for a reason too short to explain anything.
    """
    for rule, reason in findings.items():
        if len(reason) < MIN_REASON:
            raise ValueError(f"reason for {rule} must have at least {MIN_REASON} characters, was {reason!r}")
        Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))
