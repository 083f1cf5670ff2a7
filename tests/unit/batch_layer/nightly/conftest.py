from tests.unit.shared.stores.conftest import aws, dynamodb, s3, unhooked

__all__ = ["aws", "dynamodb", "s3", "unhooked"]
