"""What a deployment must not lose: every resource with a memory or an address, and what would replace it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import cfnlint.data.AdditionalSpecs
from cfnlint.helpers import load_resource
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from stacks.audit.reading import Body, Reading

ADDRESSES = frozenset(
    {
        "AWS::ApiGateway::RestApi",
        "AWS::CloudFront::Distribution",
        "AWS::CloudFront::KeyValueStore",
        "AWS::EC2::Subnet",
        "AWS::EC2::VPC",
        "AWS::ElastiCache::ServerlessCache",
        "AWS::ElastiCache::User",
        "AWS::ElastiCache::UserGroup",
        "AWS::Glue::Database",
        "AWS::KinesisAnalyticsV2::Application",
        "AWS::RDS::DBClusterParameterGroup",
        "AWS::RDS::DBSubnetGroup",
        "AWS::SNS::Topic",
        "AWS::Scheduler::ScheduleGroup",
    }
)
"""What others have written down, or what something that is kept lies in; cfn-lint knows the types with data."""
_KEYS = {"AWS::DynamoDB::Table": ("KeySchema", "AttributeDefinitions")}
"""Replacing properties that the published schemas name only under conditions."""


@dataclass(frozen=True, slots=True, order=True)
class Kept:
    """One resource; `replaced_by` are its replacing properties with their values."""

    stack: str
    logical_id: str
    type: str
    on_delete: str
    on_replace: str
    replaced_by: tuple[tuple[str, str], ...]


def kept(reading: Reading) -> set[Kept]:
    """All of one assembly. An attribute that is not given says what CloudFormation then does: Delete."""
    types = with_data() | ADDRESSES
    return {
        Kept(
            stack,
            name,
            body["Type"],
            body.get("DeletionPolicy", "Delete"),
            body.get("UpdateReplacePolicy", "Delete"),
            tuple(_replacing(reading, stack, body)),
        )
        for stack, name, body in reading.resources()
        if body["Type"] in types
    }


@cache
def with_data() -> frozenset[str]:
    """Types that cfn-lint knows to hold data."""
    return frozenset(load_resource(cfnlint.data.AdditionalSpecs, "StatefulResources.json")["ResourceTypes"])


def _replacing(reading: Reading, stack: str, body: Body) -> Iterator[tuple[str, str]]:
    """Properties of the template whose change makes CloudFormation create another one, from the published schema."""
    kind, given = body["Type"], body.get("Properties", {})
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    paths = [*schema.get("createOnlyProperties", ()), *schema.get("conditionalCreateOnlyProperties", ())]
    names = {path.removeprefix("/properties/").partition("/")[0] for path in paths} | set(_KEYS.get(kind, ()))
    for name in sorted(names & given.keys()):
        yield name, _text(reading, stack, given[name])


def _text(reading: Reading, stack: str, value: Any) -> str:
    held = _plain(reading, stack, value)
    return held if isinstance(held, str) else json.dumps(held, separators=(",", ":"), sort_keys=True)


def _plain(reading: Reading, stack: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(reading, stack, one) for one in value]
    if isinstance(value, Mapping):
        if len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref")):
            return reading.text(stack, value)
        return {key: _plain(reading, stack, one) for key, one in value.items()}
    return value
