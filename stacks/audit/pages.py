"""The two lists as pages of the documentation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from stacks.audit.kept import Kept
from stacks.audit.rights import Grant, totals

_RIGHTS = """# Who may do what

Every right that the templates of both profiles give or refuse, with push, by whichever kind of policy: of roles, of
buckets, topics, queues and keys, of endpoints and functions. `Stack.Name` is a resource of ours; `profile` is empty
where both have it.

Made by `make lists`, and read by a person before it is committed: a test fails while the templates say anything else.
Which patterns are allowed is in `tests/infrastructure/test_rights.py`; why, in the code, as cdk-nag asks for it.
"""

_KEPT = """# What a deployment must not lose

Every resource with data or with an address that others know, in both profiles, with push, and the properties (with
their values) whose change makes CloudFormation create another one. A renamed logical id is a resource deleted and one
created: a test fails until this list, which `make lists` makes, is read and committed. What is deleted with its stack
has its reason in `tests/infrastructure/test_kept.py`.
"""
_FATES = {"Delete": "yes", "Retain": "never", "RetainExceptOnCreate": "no, but with a failed first deployment"}


def rights_page(by_profile: Mapping[str, set[Grant]]) -> str:
    """docs/rights.md: a row for each principal, resource and condition, with the actions and the profiles."""
    profiles: defaultdict[Grant, list[str]] = defaultdict(list)
    for profile, held in sorted(by_profile.items()):
        for grant in held:
            profiles[grant].append(profile)
    return "\n".join([_RIGHTS, f"{totals(profiles)}.", *_rows(profiles, len(by_profile)), ""])


def _rows(profiles: Mapping[Grant, list[str]], all_profiles: int) -> Iterator[str]:
    rows: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for grant in sorted(profiles):
        only = "" if len(profiles[grant]) == all_profiles else ", ".join(profiles[grant])
        rows[grant.principal, grant.resource, grant.effect, grant.condition, only].append(grant.action)
    said = ""
    for (principal, resource, effect, condition, only), actions in sorted(rows.items()):
        if principal != said:
            yield from ("", f"## `{principal}`", "", "| | actions | on | if | profile |", "|---|---|---|---|---|")
            said = principal
        listed = " ".join(f"`{action}`" for action in actions)
        yield f"| {effect.lower()} | {listed} | `{resource}` | {f'`{condition}`' if condition else ''} | {only} |"


def kept_page(by_profile: Mapping[str, set[Kept]]) -> str:
    """docs/kept.md: a row for each resource."""
    profiles: defaultdict[Kept, list[str]] = defaultdict(list)
    for profile, held in sorted(by_profile.items()):
        for one in held:
            profiles[one].append(profile)
    lines = [_KEPT, "| stack | logical id | type | deleted with its stack | replaced by a change of | profile |"]
    lines.append("|---|---|---|---|---|---|")
    for one in sorted(profiles):
        only = "" if len(profiles[one]) == len(by_profile) else ", ".join(profiles[one])
        by = " ".join(f"`{name}={value}`" for name, value in one.replaced_by)
        what = f"| {one.stack} | `{one.logical_id}` | `{one.type}`"
        lines.append(f"{what} | {_FATES[one.on_delete]} | {by or 'nothing'} | {only} |")
    return "\n".join([*lines, ""])
