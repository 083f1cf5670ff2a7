"""What must hold of tables and buckets."""

import json

import pytest

from tests.infrastructure.templates import Resource, Templates

KEYS = {
    "BarsTable": [("sym", "HASH", "S"), ("t", "RANGE", "N")],
    "TicksTable": [("sym", "HASH", "S"), ("chunk", "RANGE", "S")],
    "SignalsTable": [("sym", "HASH", "S"), ("bar", "RANGE", "S")],
    "AlertsTable": [("pk", "HASH", "S"), ("sk", "RANGE", "S")],
    "ControlTable": [("pk", "HASH", "S"), ("sk", "RANGE", "S")],
}

WRITE_LOGS = {
    "Storage": {
        "delivery.logs.amazonaws.com",
        "logging.s3.amazonaws.com",
        "logdelivery.elasticloadbalancing.amazonaws.com",
    },
    "Edge": {"delivery.logs.amazonaws.com", "logging.s3.amazonaws.com"},
}


@pytest.fixture(
    params=[("Storage", "LakeBucket"), ("Storage", "LogBucket"), ("Edge", "LogBucket"), ("Edge", "PageBucket")]
)
def bucket(request: pytest.FixtureRequest, templates: Templates) -> Resource:
    stack, name = request.param
    (one,) = [b for b in templates.resources("AWS::S3::Bucket") if b.stack == stack and name in b.id]
    return one


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
        "TicksTable": False,
        "SignalsTable": True,
        "AlertsTable": True,
        "ControlTable": True,
    }


def test_signals_are_found_by_the_time_of_their_last_change(templates: Templates) -> None:
    table = templates.one("AWS::DynamoDB::Table", "SignalsTable").properties
    (index,) = table["GlobalSecondaryIndexes"]
    types = {entry["AttributeName"]: entry["AttributeType"] for entry in table["AttributeDefinitions"]}
    assert index["IndexName"] == "known"
    assert [(key["AttributeName"], key["KeyType"]) for key in index["KeySchema"]] == [
        ("day", "HASH"),
        ("known", "RANGE"),
    ]
    assert (types["day"], types["known"]) == ("S", "S")
    assert index["Projection"] == {"ProjectionType": "ALL"}


def test_rules_are_found_by_who_evaluates_them_and_crossings_by_their_day(templates: Templates) -> None:
    (index,) = templates.one("AWS::DynamoDB::Table", "AlertsTable").properties["GlobalSecondaryIndexes"]
    assert (index["IndexName"], index["Projection"]) == ("groups", {"ProjectionType": "ALL"})
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["group", "place"]


def test_only_changes_of_signals_and_alerts_are_streamed(templates: Templates) -> None:
    streamed = {
        table.id.rstrip("0123456789ABCDEF"): table.properties["StreamSpecification"]
        for table in templates.resources("AWS::DynamoDB::Table")
        if "StreamSpecification" in table.properties
    }
    assert streamed == {name: {"StreamViewType": "NEW_AND_OLD_IMAGES"} for name in ("SignalsTable", "AlertsTable")}


def test_buckets_are_private_and_encrypted(bucket: Resource) -> None:
    assert set(bucket.properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket.properties["PublicAccessBlockConfiguration"]) == 4
    (rule,) = bucket.properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert bucket.properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_buckets_refuse_plain_and_old_connections(bucket: Resource, templates: Templates) -> None:
    policy = next(
        p
        for p in templates.resources("AWS::S3::BucketPolicy")
        if p.stack == bucket.stack and p.properties["Bucket"] == {"Ref": bucket.id}
    )
    refused = [s["Condition"] for s in policy.properties["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
    assert {"Bool": {"aws:SecureTransport": "false"}} in refused
    assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in refused


@pytest.mark.parametrize(("stack", "services"), WRITE_LOGS.items())
def test_services_write_to_a_log_bucket_only_for_this_account(
    templates: Templates, stack: str, services: set[str]
) -> None:
    (policy,) = [
        p.properties["PolicyDocument"]
        for p in templates.resources("AWS::S3::BucketPolicy")
        if p.stack == stack and "LogBucket" in p.id
    ]
    allowed = [s for s in policy["Statement"] if s["Effect"] == "Allow"]
    assert {statement["Principal"]["Service"] for statement in allowed} == services
    for statement in allowed:
        assert set(statement["Principal"]) == {"Service"}
        assert statement["Condition"]["StringEquals"]["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}


def test_the_lake_keeps_what_was_overwritten_for_a_month_and_logs_its_access(templates: Templates) -> None:
    lake = templates.one("AWS::S3::Bucket", "LakeBucket").properties
    assert lake["VersioningConfiguration"] == {"Status": "Enabled"}
    assert "LogBucket" in json.dumps(lake["LoggingConfiguration"])
    kept, staged, aged = lake["LifecycleConfiguration"]["Rules"]
    assert kept["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert "ExpirationInDays" not in kept, "trades are kept for ever"
    assert (staged["Prefix"], staged["ExpirationInDays"]) == ("_staging/", 2)
    assert aged["Prefix"] == "raw/trades/"
    assert aged["Transitions"] == [{"StorageClass": "GLACIER_IR", "TransitionInDays": 100}], "which answers at once"
    assert "ExpirationInDays" not in aged


def test_access_logs_have_an_end(templates: Templates) -> None:
    buckets = [bucket for bucket in templates.resources("AWS::S3::Bucket") if "LogBucket" in bucket.id]
    assert {bucket.stack for bucket in buckets} == {"Storage", "Edge"}
    for bucket in buckets:
        (rule,) = bucket.properties["LifecycleConfiguration"]["Rules"]
        assert rule["ExpirationInDays"] == 90


def test_the_vendor_key_can_be_set_before_the_ingester_first_starts(templates: Templates) -> None:
    deployed = list(templates.bodies)
    assert deployed.index(templates.one("AWS::SecretsManager::Secret", "VendorKey").stack) < deployed.index("Speed")
