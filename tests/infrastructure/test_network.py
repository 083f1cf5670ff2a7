"""What must hold of the network: no NAT, no way in, and no way out but the ones that are named."""

import json
from collections.abc import Mapping
from typing import Any

from tests.infrastructure.templates import Templates

GROUP = "AWS::EC2::SecurityGroup"
CLOUDFRONT = "pl-3b927c52"  # com.amazonaws.global.cloudfront.origin-facing in us-east-1


def test_nothing_pays_for_nat_addresses_or_interface_endpoints(templates: Templates) -> None:
    assert not templates.resources("AWS::EC2::NatGateway", "AWS::EC2::EIP")
    assert {e.properties["VpcEndpointType"] for e in templates.resources("AWS::EC2::VPCEndpoint")} == {"Gateway"}


def test_s3_and_dynamodb_are_reached_from_the_isolated_subnets(templates: Templates) -> None:
    isolated = {
        r.id for r in templates.resources("AWS::EC2::RouteTable") if "isolated" in json.dumps(r.properties["Tags"])
    }
    assert len(isolated) == 2
    services = {}
    for endpoint in templates.resources("AWS::EC2::VPCEndpoint"):
        assert {table["Ref"] for table in endpoint.properties["RouteTableIds"]} == isolated
        statements = endpoint.properties["PolicyDocument"]["Statement"]
        services[endpoint.properties["ServiceName"]["Fn::Join"][1][-1]] = {
            action: ["*"] if statement["Resource"] == "*" else sorted(map(json.dumps, statement["Resource"]))
            for statement in statements
            for action in statement["Action"]
        }
        for statement in statements:
            ours = statement["Condition"]["StringEquals"]
            assert ours["aws:PrincipalAccount"] == ours["aws:ResourceAccount"] == {"Ref": "AWS::AccountId"}
    assert services[".s3"] == {action: ["*"] for action in ("s3:GetObject", "s3:ListBucket", "s3:PutObject")}
    dynamodb = services[".dynamodb"]
    assert set(dynamodb) == {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem"}
    assert dynamodb["dynamodb:GetItem"] == dynamodb["dynamodb:Query"] == ["*"]
    for action in ("dynamodb:PutItem", "dynamodb:UpdateItem"):
        alerts, control, signals = dynamodb[action]
        assert "AlertsTable" in alerts
        assert "ControlTable" in control
        assert "SignalsTable" in signals


def test_isolated_subnets_have_no_route_to_the_internet(templates: Templates) -> None:
    for route in templates.resources("AWS::EC2::Route"):
        assert "public" in route.id
    assert not any(s.properties["MapPublicIpOnLaunch"] for s in templates.resources("AWS::EC2::Subnet"))


def ways_in(templates: Templates) -> set[tuple[str, str, int, int]]:
    """(group, who may connect, first port, last port) of every rule."""
    for group in templates.resources(GROUP):
        assert "SecurityGroupIngress" not in group.properties, group.id
    return {
        (
            _group(rule.properties["GroupId"]),
            rule.properties.get("SourcePrefixListId") or _group(rule.properties["SourceSecurityGroupId"]),
            rule.properties["FromPort"],
            rule.properties["ToPort"],
        )
        for rule in templates.resources("AWS::EC2::SecurityGroupIngress")
    }


def _group(reference: Mapping[str, Any]) -> str:
    name: str = reference["Fn::GetAtt"][0]
    return name.rstrip("0123456789ABCDEF")


def test_these_are_all_the_ways_in(templates: Templates) -> None:
    """None leads to the ingester, a function or a job; to push one by its load balancer, and so from CloudFront."""
    assert ways_in(templates) == {
        ("CacheGroup", "IngesterGroup", 6379, 6380),
        ("CacheGroup", "SignalsGroup", 6379, 6380),
        ("CacheGroup", "ApiGroup", 6379, 6380),
        ("DatabaseGroup", "ApiGroup", 5433, 5433),
        ("DatabaseGroup", "LoaderGroup", 5433, 5433),
        ("DatabaseGroup", "MigrateGroup", 5433, 5433),
        ("DatabaseGroup", "JobGroup", 5433, 5433),
        ("PushBalancerGroup", CLOUDFRONT, 80, 80),
        ("PushGroup", "PushBalancerGroup", 8080, 8080),
    }


def test_without_push_cache_and_database_are_all_that_can_be_reached(without_push: Templates) -> None:
    assert {group for group, *_ in ways_in(without_push)} == {"CacheGroup", "DatabaseGroup"}


def test_the_only_way_out_to_any_address_is_https(templates: Templates) -> None:
    open_ports = [
        (rule["IpProtocol"], rule["FromPort"], rule["ToPort"])
        for group in templates.resources(GROUP)
        for rule in group.properties.get("SecurityGroupEgress", ())
        if rule.get("CidrIp") == "0.0.0.0/0"
    ]
    assert set(open_ports) == {("tcp", 443, 443)}


def test_nothing_joins_the_default_group_of_the_network(templates: Templates) -> None:
    inside = [f for f in templates.resources("AWS::Lambda::Function") if "VpcConfig" in f.properties]
    assert {f.id for f in inside} == {
        templates.one("AWS::Lambda::Function", name).id for name in ("ApiFunction", "Signals", "Load", "Migrate")
    }
    joined = [function.properties["VpcConfig"]["SecurityGroupIds"] for function in inside]
    joined += [
        service.properties["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"]
        for service in templates.resources("AWS::ECS::Service")
    ]
    joined.append(templates.one("AWS::ElastiCache::ServerlessCache").properties["SecurityGroupIds"])
    night, history = templates.resources("AWS::Batch::ComputeEnvironment")  # jobs of both reach the same
    assert (
        night.properties["ComputeResources"]["SecurityGroupIds"]
        == (history.properties["ComputeResources"]["SecurityGroupIds"])
    )
    joined.append(night.properties["ComputeResources"]["SecurityGroupIds"])
    joined.append(templates.one("AWS::RDS::DBCluster").properties["VpcSecurityGroupIds"])
    joined.append(templates.one("AWS::ElasticLoadBalancingV2::LoadBalancer").properties["SecurityGroups"])
    assert all(len(groups) == 1 for groups in joined)
    assert len({json.dumps(groups) for groups in joined}) == len(joined), "one group each"


def test_refused_connections_are_logged(templates: Templates) -> None:
    log = templates.one("AWS::EC2::FlowLog").properties
    assert (log["TrafficType"], log["LogDestinationType"]) == ("REJECT", "s3")
