"""Templates of one assembly, and the values in them as short text in which generated names have a meaning."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

Body = Mapping[str, Any]
_PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::AccountId": "<account>",
    "AWS::Region": "<region>",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": "<none>",
    "AWS::StackName": "<stack>",
}
_HASH = re.compile(r"[0-9A-F]{8}$")


class Reading:
    """What one assembly deploys on AWS: where a value has two, that of the condition `OnAws` is meant."""

    def __init__(self, bodies: Mapping[str, Body]) -> None:
        self.bodies = bodies
        self._exports = {
            self._literal(output["Export"]["Name"]): (stack, output["Value"])
            for stack, body in bodies.items()
            for output in body.get("Outputs", {}).values()
            if "Export" in output
        }

    @classmethod
    def of(cls, templates: Iterable[Path]) -> Reading:
        """Templates in the order in which they deploy (`stacks.synth.templates`)."""
        return cls({path.name.split(".")[0]: json.loads(path.read_text("utf-8")) for path in templates})

    def resources(self) -> Iterator[tuple[str, str, Body]]:
        """(stack, logical id, body) of every resource, in the order in which stacks deploy."""
        for stack, body in self.bodies.items():
            for name, resource in body["Resources"].items():
                yield stack, name, resource

    def name(self, stack: str, logical_id: str) -> str:
        """`Storage.LakeBucket`: without the hash, unless two resources of the stack differ in nothing else."""
        plain = _HASH.sub("", logical_id)
        twins = [other for other in self.bodies[stack]["Resources"] if _HASH.sub("", other) == plain]
        return f"{stack}.{plain if len(twins) == 1 else logical_id}"

    def text(self, stack: str, value: Any) -> str:
        """A value as it stands in the template of `stack`.

        Raises ValueError for an intrinsic that nobody has given a text yet.
        """
        if not isinstance(value, Mapping):
            return str(value)
        ((word, held),) = value.items()
        return self._referred(stack, word, held) or self._composed(stack, word, held)

    def _referred(self, stack: str, word: str, held: Any) -> str:
        """Of an intrinsic that names a resource or a value; empty for one that does not."""
        match word:
            case "Ref":
                return _PSEUDO.get(held) or self.name(stack, held)
            case "Fn::GetAtt":
                name, _, attribute = ".".join([held] if isinstance(held, str) else held).partition(".")
                return self.name(stack, name) + ("" if attribute == "Arn" else f".{attribute}")
            case "Fn::ImportValue":
                return self.text(*self._exports[self._literal(held)])
        return ""

    def _composed(self, stack: str, word: str, held: Any) -> str:
        match word:
            case "Fn::Join":
                text = str(held[0]).join(self.text(stack, part) for part in held[1])
            case "Fn::Sub" if isinstance(held, str):
                text = re.sub(r"\$\{([^}]+)\}", lambda found: self._named(stack, found[1]), held)
            case "Fn::GetAZs":
                text = "<zones>"
            case "Fn::Select":
                text = f"{self.text(stack, held[1])}[{held[0]}]"
            case "Fn::If":
                text = self.text(stack, held[1])
            case _:
                raise ValueError(f"{stack}: no text for {json.dumps({word: held})}")
        return text

    def _named(self, stack: str, word: str) -> str:
        if word in _PSEUDO:
            return _PSEUDO[word]
        return self.text(stack, {"Fn::GetAtt": word} if "." in word else {"Ref": word})

    @staticmethod
    def _literal(value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError(f"the name of an export must be text, was {json.dumps(value)}")
        return value
