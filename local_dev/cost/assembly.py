"""Synthesised templates, read as AWS would: conditions decided for `Target=aws`, references as names."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from local_dev.runtime.synth import templates

ON_AWS = "OnAws"
"""The condition that holds on AWS and nowhere else (stacks/constructs/target.py)."""
_EXPORT = ":ExportsOutput"
_SUBSTITUTED = re.compile(r"\$\{(\w+)[.}]")
"""Names of resources in the text of `Fn::Sub`; those of AWS have colons."""


class References(NamedTuple):
    """What a value of a template refers to: ids of its own template, and names of imports from others."""

    ids: frozenset[str]
    imports: frozenset[str]

    def hold(self, other: "Resource", *, near: bool) -> bool:
        """Whether a resource is among them; `near`: it is of the same template."""
        if near:
            return other.id in self.ids
        return any(name.startswith((f"Ref{other.id}", f"FnGetAtt{other.id}")) for name in self.imports)


class Resource(NamedTuple):
    """`properties` with every condition decided; `stack`: the last word of its stack's name."""

    stack: str
    id: str
    type: str
    properties: Mapping[str, Any]
    references: References = References(frozenset(), frozenset())

    def mentions(self, other: "Resource") -> bool:
        """Whether its properties refer to a resource of this template or of another."""
        return self.references.hold(other, near=self.stack == other.stack)


@dataclass(frozen=True)
class Assembly:
    """Every resource that a deployment makes on AWS."""

    bodies: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, folder: Path) -> "Assembly":
        """The assembly that `stacks.synth` wrote to a folder."""
        return cls({template.stack.rpartition("-")[2]: template.body for template in templates(folder)})

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        return tuple(
            Resource(stack, id_, body["Type"], properties, references(properties))
            for stack, template in self.bodies.items()
            for id_, body in template["Resources"].items()
            for properties in [on_aws(body.get("Properties", {}))]
        )

    def of(self, *types: str) -> Iterator[Resource]:
        """Resources of these types, in the order in which their stacks deploy."""
        if len(types) == 1:
            return iter(self._by_type.get(types[0], ()))
        return (resource for resource in self.resources if resource.type in types)

    @cached_property
    def _by_type(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for resource in self.resources:
            found.setdefault(resource.type, []).append(resource)
        return found

    def ingester(self) -> Resource:
        """The service that takes the trades in. Raises ValueError where there is none."""
        for service in self.of("AWS::ECS::Service"):
            if service.id.startswith("Ingester"):
                return service
        raise ValueError("there is no ingester in these templates")

    def told(self, name: str) -> str:
        """A variable of the ingester's container."""
        (task,) = self.called_by(self.ingester(), "AWS::ECS::TaskDefinition")
        (container,) = task.properties["ContainerDefinitions"]
        return next(str(variable["Value"]) for variable in container["Environment"] if variable["Name"] == name)

    def called_by(self, caller: Resource, *types: str) -> Iterator[Resource]:
        """Resources of these types that a resource refers to."""
        return (resource for resource in self.of(*types) if caller.mentions(resource))

    def callers_of(self, called: Resource, *types: str) -> Iterator[Resource]:
        """Resources of these types that refer to a resource."""
        return (resource for resource in self.of(*types) if resource.mentions(called))


def on_aws(value: Any) -> Any:
    """A value of a template with the first branch of every `Fn::If` on OnAws in the place of the condition."""
    if isinstance(value, dict):
        if value.keys() == {"Fn::If"} and value["Fn::If"][0] == ON_AWS:
            return on_aws(value["Fn::If"][1])
        return {key: on_aws(held) for key, held in value.items()}
    return [on_aws(held) for held in value] if isinstance(value, list) else value


def references(value: Any) -> References:
    """Ref, GetAtt and imports whose names the CDK made of a resource's id, anywhere in a value."""
    found = list(_references(value))
    return References(
        frozenset(name for name, imported in found if not imported),
        frozenset(name.partition(_EXPORT)[2] for name, imported in found if imported),
    )


def _references(value: Any) -> Iterator[tuple[str, bool]]:
    if isinstance(value, dict):
        for key, held in value.items():
            if key == "Ref":
                yield held, False
            elif key == "Fn::GetAtt":
                yield held[0], False
            elif key == "Fn::ImportValue" and isinstance(held, str):
                yield held, True
            elif key == "Fn::Sub" and isinstance(held, str):
                yield from ((name, False) for name in _SUBSTITUTED.findall(held))
            else:
                yield from _references(held)
    elif isinstance(value, list):
        for held in value:
            yield from _references(held)


def text_of(value: Any) -> str:
    """The fixed parts of a text that may be joined of others; what is not known before deployment is left out."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return str(separator.join(text_of(part) for part in parts))
    if isinstance(value, dict) and "Fn::Sub" in value:
        held = value["Fn::Sub"]
        return held if isinstance(held, str) else str(held[0])
    return ""


def number(value: Any, default: float) -> float:
    """A number that a property may hold as text. Raises ValueError for what is not known before deployment."""
    if value is None:
        return default
    if isinstance(value, dict):
        raise ValueError(f"expected a number, found {json.dumps(value)}")
    return float(value)
