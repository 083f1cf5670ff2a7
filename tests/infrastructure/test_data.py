"""What must hold of tables and buckets."""

import json

import pytest

from tests.infrastructure.templates import Resource, Templates

KEPT = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SecretsManager::Secret")
KEYS = {
    "BarsTable": [("sym", "HASH", "S"), ("t", "RANGE", "N")],
    "ControlTable": [("pk", "HASH", "S"), ("sk", "RANGE", "S")],
}


@pytest.fixture(params=["LakeBucket", "LogBucket"])
def bucket(request: pytest.FixtureRequest, templates: Templates) -> Resource:
    return templates.one("AWS::S3::Bucket", request.param)


def test_data_outlives_its_stack_but_not_a_failed_first_deployment(templates: Templates) -> None:
    kept = templates.resources(*KEPT)
    assert len(kept) == 5
    for resource in kept:
        assert resource.body["DeletionPolicy"] == "RetainExceptOnCreate", resource.id
        assert resource.body["UpdateReplacePolicy"] == "Retain", resource.id


def test_data_has_generated_names_so_that_a_second_deployment_finds_them_free(templates: Templates) -> None:
    for resource in templates.resources(*KEPT, "AWS::Kinesis::Stream"):
        assert not {"TableName", "BucketName", "Name"} & resource.properties.keys(), resource.id


@pytest.mark.parametrize("table", KEYS)
def test_tables_have_the_keys_the_stores_use(templates: Templates, table: str) -> None:
    properties = templates.one("AWS::DynamoDB::Table", table).properties
    types = {entry["AttributeName"]: entry["AttributeType"] for entry in properties["AttributeDefinitions"]}
    keys = [(key["AttributeName"], key["KeyType"], types[key["AttributeName"]]) for key in properties["KeySchema"]]
    assert keys == KEYS[table]


@pytest.mark.parametrize("table", KEYS)
def test_tables_expire_items_and_are_paid_by_request(templates: Templates, table: str) -> None:
    properties = templates.one("AWS::DynamoDB::Table", table).properties
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert properties["BillingMode"] == "PAY_PER_REQUEST"


def test_only_what_cannot_be_rebuilt_pays_for_point_in_time_recovery(templates: Templates) -> None:
    recovered = {
        table.id: table.properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
        for table in templates.resources("AWS::DynamoDB::Table")
    }
    assert {name.rstrip("0123456789ABCDEF"): on for name, on in recovered.items()} == {
        "BarsTable": False,
        "ControlTable": True,
    }


def test_buckets_are_private_and_encrypted(bucket: Resource) -> None:
    assert set(bucket.properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket.properties["PublicAccessBlockConfiguration"]) == 4
    (rule,) = bucket.properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert bucket.properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_buckets_refuse_plain_and_old_connections(bucket: Resource, templates: Templates) -> None:
    policy = next(
        p for p in templates.resources("AWS::S3::BucketPolicy") if p.properties["Bucket"] == {"Ref": bucket.id}
    )
    refused = [s["Condition"] for s in policy.properties["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
    assert {"Bool": {"aws:SecureTransport": "false"}} in refused
    assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in refused


def test_a_service_writes_to_the_log_bucket_only_for_this_account(templates: Templates) -> None:
    policy = templates.one("AWS::S3::BucketPolicy", "LogBucket").properties["PolicyDocument"]
    services = [s for s in policy["Statement"] if s["Effect"] == "Allow"]
    assert services
    for statement in services:
        assert set(statement["Principal"]) == {"Service"}
        assert statement["Condition"]["StringEquals"]["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}


def test_the_lake_keeps_what_was_overwritten_for_a_month_and_logs_its_access(templates: Templates) -> None:
    lake = templates.one("AWS::S3::Bucket", "LakeBucket").properties
    assert lake["VersioningConfiguration"] == {"Status": "Enabled"}
    assert "LogBucket" in json.dumps(lake["LoggingConfiguration"])
    (rule,) = lake["LifecycleConfiguration"]["Rules"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert "ExpirationInDays" not in rule, "trades are kept for ever"


def test_access_logs_have_an_end(templates: Templates) -> None:
    (rule,) = templates.one("AWS::S3::Bucket", "LogBucket").properties["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == 90


def test_the_vendor_key_can_be_set_before_the_ingester_first_starts(templates: Templates) -> None:
    deployed = list(templates.bodies)
    assert deployed.index(templates.one("AWS::SecretsManager::Secret").stack) < deployed.index("Speed")
