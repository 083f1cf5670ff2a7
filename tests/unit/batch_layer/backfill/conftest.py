from tests.unit.shared.stores.conftest import aws, s3, unhooked

__all__ = ["aws", "s3", "unhooked"]
