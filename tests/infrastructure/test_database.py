"""What must hold of the database: it sleeps, it is reached by tokens and TLS only, and nobody deletes it by mistake."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from shared.stores.postgres import PostgresSettings
from tests.infrastructure.templates import Templates

USERS = {"ApiFunction": "api", "Load": "loader", "Migrate": "migrator"}
"""Functions that log in, and as whom; batch jobs do so as loader."""


@pytest.fixture
def cluster(templates: Templates) -> Mapping[str, Any]:
    return templates.one("AWS::RDS::DBCluster").properties


def test_it_pauses_when_nobody_is_connected_and_has_an_upper_bound(cluster: Mapping[str, Any]) -> None:
    scaling = cluster["ServerlessV2ScalingConfiguration"]
    assert scaling == {"MinCapacity": 0, "MaxCapacity": 4, "SecondsUntilAutoPause": 300}


def test_one_instance_is_all_that_is_paid_for_and_it_has_no_public_address(templates: Templates) -> None:
    instance = templates.one("AWS::RDS::DBInstance").properties
    assert (instance["DBInstanceClass"], instance["PubliclyAccessible"]) == ("db.serverless", False)


def test_it_lies_in_the_isolated_subnets_behind_its_own_group_and_port(
    cluster: Mapping[str, Any], templates: Templates
) -> None:
    subnets = templates.one("AWS::RDS::DBSubnetGroup").properties["SubnetIds"]
    assert len(subnets) == 2
    assert all("isolated" in json.dumps(subnet) for subnet in subnets)
    assert cluster["Port"] == 5433
    assert "DatabaseGroup" in json.dumps(cluster["VpcSecurityGroupIds"])


def test_it_takes_tokens_over_tls_and_its_masters_password_is_known_to_rds_alone(
    cluster: Mapping[str, Any], templates: Templates
) -> None:
    assert cluster["EnableIAMDatabaseAuthentication"] is True
    assert cluster["ManageMasterUserPassword"] is True
    assert "MasterUserPassword" not in cluster
    assert cluster["MasterUsername"] not in {"admin", "postgres"}
    parameters = templates.one("AWS::RDS::DBClusterParameterGroup").properties
    assert parameters["Parameters"] == {"rds.force_ssl": "1"}


def test_it_is_encrypted_backed_up_and_protected(cluster: Mapping[str, Any]) -> None:
    assert (cluster["StorageEncrypted"], cluster["DeletionProtection"]) == (True, True)
    assert cluster["BackupRetentionPeriod"] >= 7


def test_nothing_else_in_its_stack_can_fail_and_leave_a_protected_cluster(templates: Templates) -> None:
    kinds = {r.type for r in templates.resources() if r.stack == "Database"}
    assert kinds == {
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::RDS::DBSubnetGroup",
        "AWS::RDS::DBClusterParameterGroup",
    }


def test_its_version_is_the_one_that_tests_run(cluster: Mapping[str, Any]) -> None:
    assert (cluster["Engine"], cluster["EngineVersion"].partition(".")[0]) == ("aurora-postgresql", "16")


@pytest.mark.parametrize(("function", "user"), USERS.items())
def test_a_function_is_told_where_the_database_is_and_who_it_is_there(
    templates: Templates, function: str, user: str
) -> None:
    given = templates.one("AWS::Lambda::Function", function).properties["Environment"]["Variables"]
    on_aws, locally = given["POSTGRES_USER"]["Fn::If"][1:]
    assert (on_aws, locally) == (user, "")
    host = given["POSTGRES_HOST"]["Fn::If"]
    assert host == ["OnAws", {"Fn::ImportValue": "condvest-dev-database-Host"}, ""]
    assert given["POSTGRES_PORT"] == "5433"
    assert given["POSTGRES_DATABASE"] == templates.one("AWS::RDS::DBCluster").properties["DatabaseName"]
    assert {name for name in given if name.startswith("POSTGRES_")} < {
        name.upper() for name in PostgresSettings.__struct_fields__
    }


@pytest.mark.parametrize(("function", "user"), USERS.items())
def test_a_role_logs_in_as_one_user_of_one_cluster(templates: Templates, function: str, user: str) -> None:
    (grant,) = [g for g in templates.grants(f"{function}Role") if "rds-db:connect" in g.actions]
    (target,) = grant.targets
    assert f', "{user}"]' in target
    assert "condvest-dev-database-ResourceId" in target
    assert "*" not in target


@pytest.mark.parametrize("job", ["Job", "Backfill"])
def test_a_job_logs_in_as_who_loads(templates: Templates, job: str) -> None:
    (grant,) = [g for g in templates.grants(f"{job}Role") if "rds-db:connect" in g.actions]
    assert all(', "loader"]' in target for target in grant.targets)


def test_nobody_else_logs_in(templates: Templates) -> None:
    roles = {grant.role for grant in templates.grants() if "rds-db:connect" in grant.actions}
    assert {role.rstrip("0123456789ABCDEF") for role in roles} == {
        "JobRole",
        "BackfillRole",
        *(f"{function}Role" for function in USERS),
    }


def test_only_who_makes_roles_may_use_the_master(templates: Templates) -> None:
    assert templates.one("AWS::RDS::DBCluster").properties["EnableHttpEndpoint"] is True
    masters = {grant.role for grant in templates.grants() if any("database-SecretArn" in t for t in grant.targets)}
    assert {role.rstrip("0123456789ABCDEF") for role in masters} == {"BootstrapRole"}
