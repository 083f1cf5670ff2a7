"""Every (principal, action, resource) that the templates allow or deny, by whichever kind of policy."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from stacks.audit.reading import Body, Reading

ITSELF = "itself"
POLICIES = {
    "AWS::EC2::VPCEndpoint": ("PolicyDocument", None),
    "AWS::IAM::Policy": ("PolicyDocument", None),
    "AWS::IAM::Role": ("AssumeRolePolicyDocument", ITSELF),
    "AWS::KMS::Key": ("KeyPolicy", ITSELF),
    "AWS::S3::BucketPolicy": ("PolicyDocument", "Bucket"),
    "AWS::SNS::TopicPolicy": ("PolicyDocument", "Topics"),
    "AWS::SQS::QueuePolicy": ("PolicyDocument", "Queues"),
}
"""Type -> the property that holds a policy, and the one that names what it is attached to."""
_ASSET = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One action of one statement; resources and principals as `Reading.text` writes them."""

    principal: str
    resource: str
    action: str
    effect: str
    condition: str
    """Compact JSON, or empty."""

    @property
    def wild(self) -> bool:
        """Whether it allows something by a pattern."""
        return self.effect == "Allow" and any("*" in part for part in (self.principal, self.resource, self.action))


def grants(reading: Reading) -> set[Grant]:
    """All of one assembly. Raises ValueError for a policy where `POLICIES` does not look: nothing is passed over."""
    return {grant for stack, name, body in reading.resources() for grant in _of(reading, stack, name, body)}


def totals(found: Collection[Grant]) -> str:
    """How many there are, in one line."""
    return (
        f"{len({grant.principal for grant in found})} principals, {len(found)} rights "
        f"(principal, action, resource), {sum(grant.wild for grant in found)} of them by a pattern"
    )


def _of(reading: Reading, stack: str, name: str, body: Body) -> Iterator[Grant]:
    kind, properties, own = body["Type"], body.get("Properties", {}), reading.name(stack, name)
    known, owner = POLICIES.get(kind, (None, None))
    for place, document in _documents(properties):
        if place == known:
            holders = [reading.name(stack, held["Ref"]) for held in properties.get("Roles", ())]
            attached = [own] if owner == ITSELF else _texts(reading, stack, properties[owner]) if owner else []
        elif kind == "AWS::IAM::Role" and place == "PolicyDocument":
            holders, attached = [own], []
        else:
            raise ValueError(f"{own}: a policy in {place} of {kind}, where the audit does not look")
        through = f" through {own}" if kind == "AWS::EC2::VPCEndpoint" else ""
        for statement in _statements(document):
            for grant in _granted(reading, stack, statement, holders, attached):
                yield replace(grant, principal=grant.principal + through)
    for managed in properties.get("ManagedPolicyArns", ()):
        yield Grant(own, reading.text(stack, managed), "managed policy", "Allow", "")
    if kind == "AWS::Lambda::Permission":
        told = {"SourceArn", "SourceAccount", "PrincipalOrgID", "FunctionUrlAuthType"} & properties.keys()
        source = _compact({key: reading.text(stack, properties[key]) for key in told})
        function = reading.text(stack, properties["FunctionName"])
        yield Grant(reading.text(stack, properties["Principal"]), function, properties["Action"], "Allow", source)


def _documents(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """(name of the property, policy) of everything below that has statements; those of a web ACL have no effect."""
    if isinstance(value, Mapping):
        if any("Effect" in statement for statement in _statements(value)):
            yield place, value
            return
        for key, held in value.items():
            yield from _documents(held, key)
    elif isinstance(value, list):
        for held in value:
            yield from _documents(held, place)


def _statements(policy: Body) -> list[Body]:
    """AWS takes one statement for a list of one."""
    held = policy.get("Statement", [])
    return [held] if isinstance(held, Mapping) else held


def _granted(reading: Reading, stack: str, statement: Body, holders: list[str], attached: list[str]) -> Iterator[Grant]:
    """The grants of one statement; in a policy of a resource, `*` is that resource (`attached`)."""
    if unread := statement.keys() - {"Action", "Condition", "Effect", "Principal", "Resource", "Sid"}:
        raise ValueError(f"{stack}: a statement with {sorted(unread)}, which the audit does not read")
    resources = _texts(reading, stack, statement.get("Resource", []))
    condition = _compact(_resolved(reading, stack, statement.get("Condition", {})))
    for principal in holders or _principals(reading, stack, statement["Principal"]):
        for action in _texts(reading, stack, statement["Action"]):
            for resource in attached if attached and resources in ([], ["*"]) else resources:
                named = _ASSET.sub("<hash>", resource)
                yield Grant(principal, named, action, statement["Effect"], condition)


def _principals(reading: Reading, stack: str, principal: Any) -> list[str]:
    if isinstance(principal, str):
        return [principal]
    return [one for held in principal.values() for one in _texts(reading, stack, held)]


def _resolved(reading: Reading, stack: str, condition: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        operator: {
            key: _texts(reading, stack, held) if isinstance(held, list) else reading.text(stack, held)
            for key, held in tests.items()
        }
        for operator, tests in condition.items()
    }


def _texts(reading: Reading, stack: str, value: Any) -> list[str]:
    return [reading.text(stack, one) for one in (value if isinstance(value, list) else [value])]


def _compact(value: Mapping[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True) if value else ""
