"""Tables and a bucket in moto, as for the stores' own tests."""

from tests.unit.shared.stores.conftest import aws, dynamodb, s3, unhooked

__all__ = ["aws", "dynamodb", "s3", "unhooked"]
