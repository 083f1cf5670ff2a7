"""Synthesised templates, asked by what they hold rather than by generated names."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from stacks.synth import templates


class Resource(NamedTuple):
    stack: str
    id: str
    body: Mapping[str, Any]

    @property
    def type(self) -> str:
        kind: str = self.body["Type"]
        return kind

    @property
    def properties(self) -> Mapping[str, Any]:
        held: Mapping[str, Any] = self.body.get("Properties", {})
        return held


class Grant(NamedTuple):
    """One statement of a policy that a role of ours holds."""

    stack: str
    role: str
    statement: Mapping[str, Any]

    @property
    def actions(self) -> list[str]:
        found = self.statement["Action"]
        return [found] if isinstance(found, str) else list(found)

    @property
    def targets(self) -> list[str]:
        """Its resources as text, intrinsics and all."""
        found = self.statement["Resource"]
        return [json.dumps(one) if not isinstance(one, str) else one for one in _listed(found)]


@dataclass(frozen=True)
class Templates:
    """Every stack of one assembly, in the order in which they deploy."""

    folder: Path
    bodies: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, folder: Path) -> "Templates":
        return cls(folder, {path.name.split(".")[0]: json.loads(path.read_text()) for path in templates(folder)})

    def resources(self, *types: str) -> list[Resource]:
        """Resources of these types (all without any), of every stack."""
        return [
            Resource(stack, name, body)
            for stack, template in self.bodies.items()
            for name, body in template["Resources"].items()
            if not types or body["Type"] in types
        ]

    def one(self, kind: str, containing: str = "") -> Resource:
        """The only resource of a type whose logical id contains a word."""
        found = [resource for resource in self.resources(kind) if containing in resource.id]
        assert len(found) == 1, f"expected one {kind} like {containing!r}, found {[r.id for r in found]}"
        return found[0]

    def grants(self, role: str = "") -> Iterator[Grant]:
        """Statements of identity policies, of roles whose logical id contains a word."""
        for policy in self.resources("AWS::IAM::Policy"):
            for holder in policy.properties["Roles"]:
                if role in holder["Ref"]:
                    for statement in policy.properties["PolicyDocument"]["Statement"]:
                        yield Grant(policy.stack, holder["Ref"], statement)
        for holder_ in self.resources("AWS::IAM::Role"):
            for policy_ in holder_.properties.get("Policies", ()):
                if role in holder_.id:
                    for statement in policy_["PolicyDocument"]["Statement"]:
                        yield Grant(holder_.stack, holder_.id, statement)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
