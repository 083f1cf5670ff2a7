"""What a deployment must not lose; the list itself is docs/kept.md, compared with the templates in test_rights.py."""

from pathlib import Path

import pytest

from stacks.audit.kept import Kept, kept, with_data
from stacks.audit.reading import Reading
from stacks.synth import templates

GOES_WITH_ITS_STACK = {
    "AWS::ApiGateway::RestApi": "holds nothing; clients know the distribution's name",
    "AWS::CloudFront::Distribution": "holds nothing; its name can be replaced by the operator's own domain",
    "AWS::CloudFront::KeyValueStore": "hashes of the control table, told again by `condvest keys sync`",
    "AWS::EC2::Subnet": "holds nothing; what is kept lies in the subnet group",
    "AWS::EC2::VPC": "holds nothing; CloudFormation refuses to delete it while the kept database lies in it",
    "AWS::ElastiCache::ServerlessCache": "may vanish and nothing breaks",
    "AWS::ElastiCache::User": "an access string of the template",
    "AWS::ElastiCache::UserGroup": "a list of the template",
    "AWS::Glue::Database": "descriptions of files; the files are kept",
    "AWS::KMS::Key": "what it has sealed was delivered at once; AWS waits 30 days before it forgets it",
    "AWS::KinesisAnalyticsV2::Application": "its state is made again from the stream",
    "AWS::Logs::LogGroup": "lines with an end of their own, told to go with what wrote them",
    "AWS::RDS::DBInstance": "computes; the cluster has the data",
    "AWS::SNS::Topic": "subscriptions, which whoever subscribes makes again",
    "AWS::Scheduler::ScheduleGroup": "orders of one day, made again the next morning",
    "AWS::SQS::Queue": "calls that were missed, looked at within a fortnight",
    "AWS::Kinesis::Stream": "its shards are paid for by the hour, and what it holds of a day is in the raw log",
}
"""Why a type may be deleted with its stack, or replaced; every other type is kept."""


@pytest.fixture(scope="session")
def everything(profiles: dict[str, Path]) -> set[Kept]:
    return set().union(*(kept(Reading.of(templates(assembly))) for assembly in profiles.values()))


def test_data_outlives_its_stack_but_not_a_failed_first_deployment(everything: set[Kept]) -> None:
    data = [one for one in everything if one.type not in GOES_WITH_ITS_STACK]
    assert {(one.on_delete, one.on_replace) for one in data} == {("RetainExceptOnCreate", "Retain")}
    assert {one.type for one in data} >= {
        "AWS::DynamoDB::Table",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBClusterParameterGroup",
        "AWS::RDS::DBSubnetGroup",
        "AWS::S3::Bucket",
        "AWS::SecretsManager::Secret",
    }


def test_what_goes_with_its_stack_is_of_a_type_that_is_used(everything: set[Kept]) -> None:
    assert GOES_WITH_ITS_STACK.keys() <= {one.type for one in everything}


def test_no_name_that_a_second_deployment_would_find_taken_is_given_to_what_is_kept(everything: set[Kept]) -> None:
    named = {"BucketName", "DBClusterIdentifier", "DBSubnetGroupName", "Name", "TableName"}
    data = {one for one in everything if one.on_delete != "Delete" and one.type != "AWS::RDS::DBCluster"}
    assert [one for one in data if named & dict(one.replaced_by).keys()] == []
    (cluster,) = [one for one in everything if one.type == "AWS::RDS::DBCluster"]
    assert "DBClusterIdentifier" not in dict(cluster.replaced_by)


def test_what_would_replace_a_resource_comes_from_the_published_schemas() -> None:
    """Facts of CloudFormation's reference, and the keys of a table, which the schema names only under conditions."""
    table = {"TableName": "t", "KeySchema": [{"AttributeName": "a"}], "BillingMode": "PAY_PER_REQUEST"}
    cache = {"ServerlessCacheName": "c", "UserGroupId": "u", "SubnetIds": ["s"]}
    resources = {
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": table},
        "Cache": {"Type": "AWS::ElastiCache::ServerlessCache", "Properties": cache},
        "Stream": {"Type": "AWS::Kinesis::Stream", "Properties": {"Name": "s", "ShardCount": 2}},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {}},
    }
    found = {one.logical_id: one for one in kept(Reading({"Any": {"Resources": resources}}))}
    assert {name: [key for key, _ in one.replaced_by] for name, one in found.items()} == {
        "Table": ["KeySchema", "TableName"],
        "Cache": ["ServerlessCacheName", "SubnetIds"],
        "Stream": ["Name"],
    }
    assert found["Stream"].on_delete == "Delete", "what CloudFormation does unless told otherwise"


def test_the_types_with_data_are_those_of_the_linter() -> None:
    assert {"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::EFS::FileSystem"} <= with_data()
