"""What must hold of the streams and of the functions that read them."""

import json

import pytest

from shared.stores.alerts import CROSSING
from tests.infrastructure.templates import Resource, Templates

READERS = {
    "Archive": (1000, "Trades"),
    "Live": (500, "Trades"),
    "Persist": (100, "Bars"),
    "Signals": (100, "Bars"),
    "Notify": (100, "SignalsTable"),
    "Announce": (100, "AlertsTable"),
}
RETENTION_S = 24 * 3600


@pytest.fixture(params=sorted(READERS))
def mapping(request: pytest.FixtureRequest, templates: Templates) -> Resource:
    return templates.one("AWS::Lambda::EventSourceMapping", request.param)


def test_every_reader_has_one_mapping(templates: Templates) -> None:
    assert len(templates.resources("AWS::Lambda::EventSourceMapping")) == len(READERS)


@pytest.mark.parametrize(("reader", "expected"), READERS.items())
def test_a_reader_takes_its_stream_in_batches_of_its_size(
    templates: Templates, reader: str, expected: tuple[int, str]
) -> None:
    mapping = templates.one("AWS::Lambda::EventSourceMapping", reader).properties
    size, stream = expected
    assert mapping["BatchSize"] == size
    source = mapping["EventSourceArn"]
    assert source["Fn::GetAtt"][0].startswith(stream) if "Fn::GetAtt" in source else stream in source["Fn::ImportValue"]
    assert mapping["FunctionName"]["Ref"].startswith(f"{reader}Function")


@pytest.mark.fault("F30")
def test_a_bad_record_cannot_block_a_shard(mapping: Resource) -> None:
    properties = mapping.properties
    assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert properties["BisectBatchOnFunctionError"] is True
    assert 0 < properties["MaximumRecordAgeInSeconds"] < RETENTION_S, "it must leave before it expires unread"


def test_retries_are_bounded_but_for_signals_which_age_alone_gives_up(templates: Templates) -> None:
    mappings = {name: templates.one("AWS::Lambda::EventSourceMapping", name).properties for name in READERS}
    retries = {name: mapping["MaximumRetryAttempts"] for name, mapping in mappings.items()}
    assert retries == {"Archive": 10, "Live": 10, "Persist": 10, "Notify": 10, "Announce": 10, "Signals": -1}


def test_what_is_given_up_is_kept_with_its_payload(mapping: Resource, templates: Templates) -> None:
    destination = str(mapping.properties["DestinationConfig"]["OnFailure"]["Destination"])
    assert "LakeBucket" in destination, "a bucket gets the payload, a queue or topic would get numbers only"
    reader = mapping.id.split("Mapping")[0]
    assert any(
        grant.actions == ["s3:PutObject"] and any("/aws/lambda/*" in target for target in grant.targets)
        for grant in templates.grants(reader)
    )


@pytest.mark.fault("F66")
def test_a_new_mapping_reads_from_the_oldest_record(mapping: Resource) -> None:
    assert mapping.properties["StartingPosition"] == "TRIM_HORIZON"


def test_the_records_of_a_shard_are_taken_in_order(mapping: Resource) -> None:
    assert mapping.properties["ParallelizationFactor"] == 1


def test_a_mapping_waits_for_the_right_to_read_its_stream(mapping: Resource) -> None:
    reader = mapping.id.split("Mapping")[0]
    assert any(name.startswith(f"{reader}RoleDefaultPolicy") for name in mapping.body["DependsOn"])


def test_the_archive_gathers_a_minute_on_aws_and_a_second_locally(templates: Templates) -> None:
    mapping = templates.one("AWS::Lambda::EventSourceMapping", "Archive")
    assert mapping.properties["MaximumBatchingWindowInSeconds"] == {"Fn::If": ["OnAws", 60, 1]}


@pytest.mark.parametrize("reader", ["Live", "Persist", "Signals", "Notify"])
def test_bars_and_signals_wait_for_no_window(templates: Templates, reader: str) -> None:
    mapping = templates.one("AWS::Lambda::EventSourceMapping", reader)
    assert mapping.properties["MaximumBatchingWindowInSeconds"] == 0


def test_notify_is_called_for_new_signals_only_and_announce_for_new_crossings(templates: Templates) -> None:
    mappings = {m.id: m.properties for m in templates.resources("AWS::Lambda::EventSourceMapping")}
    filtered = {name: m["FilterCriteria"]["Filters"] for name, m in mappings.items() if "FilterCriteria" in m}
    patterns = {name.partition("Mapping")[0]: json.loads(only["Pattern"]) for name, (only,) in filtered.items()}
    assert patterns == {
        "Notify": {"eventName": ["INSERT"]},
        "Announce": {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"kind": {"S": [CROSSING]}}}},
    }, "a filter on another reader would lose records"


def test_the_topic_is_encrypted_and_refuses_plain_connections(templates: Templates) -> None:
    topic = templates.one("AWS::SNS::Topic", "Signal")
    assert "alias/aws/sns" in json.dumps(topic.properties["KmsMasterKeyId"])
    (statement,) = templates.one("AWS::SNS::TopicPolicy", "Signal").properties["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", "sns:Publish")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_topic_can_be_found_by_who_wants_to_subscribe(templates: Templates) -> None:
    outputs = templates.bodies["Speed"]["Outputs"]
    assert outputs["SignalTopicArn"]["Value"] == {"Ref": templates.one("AWS::SNS::Topic", "Signal").id}


def test_streams_are_encrypted_and_provisioned(templates: Templates) -> None:
    for stream in templates.resources("AWS::Kinesis::Stream"):
        assert stream.properties["StreamEncryption"] == {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}
        assert stream.properties["StreamModeDetails"] == {"StreamMode": "PROVISIONED"}
        assert stream.properties["RetentionPeriodHours"] * 3600 == RETENTION_S
        assert stream.body["DeletionPolicy"] == "Delete", "its shards would be paid for"
        assert stream.body["UpdateReplacePolicy"] == "Retain", "its readers may be behind"


def test_the_ingester_is_told_the_shards_that_the_stream_has(templates: Templates) -> None:
    shards = templates.one("AWS::Kinesis::Stream", "Trades").properties["ShardCount"]
    (container,) = templates.one("AWS::ECS::TaskDefinition", "Ingester").properties["ContainerDefinitions"]
    environment = {pair["Name"]: pair["Value"] for pair in container["Environment"]}
    assert int(environment["SHARDS"]) == shards
    assert int(environment["LANES"]) % shards == 0, "every shard carries the same lanes, so none is ever silent"
    assert templates.one("AWS::Kinesis::Stream", "Bars").properties["ShardCount"] == 1
