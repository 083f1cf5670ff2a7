"""What must hold of the network: no NAT, no way in, and no way out but the ones that are named."""

import json

from tests.infrastructure.templates import Templates

GROUP = "AWS::EC2::SecurityGroup"


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
        (statement,) = endpoint.properties["PolicyDocument"]["Statement"]
        services[endpoint.properties["ServiceName"]["Fn::Join"][1][-1]] = {a.split(":")[0] for a in statement["Action"]}
        ours = statement["Condition"]["StringEquals"]
        assert ours["aws:PrincipalAccount"] == ours["aws:ResourceAccount"] == {"Ref": "AWS::AccountId"}
    assert services == {".s3": {"s3"}, ".dynamodb": {"dynamodb"}}


def test_isolated_subnets_have_no_route_to_the_internet(templates: Templates) -> None:
    for route in templates.resources("AWS::EC2::Route"):
        assert "public" in route.id
    assert not any(s.properties["MapPublicIpOnLaunch"] for s in templates.resources("AWS::EC2::Subnet"))


def test_nothing_can_connect_to_the_ingester_or_to_the_api_function(templates: Templates) -> None:
    for group in templates.resources(GROUP):
        assert "SecurityGroupIngress" not in group.properties, group.id
    entered = {
        rule.properties["GroupId"]["Fn::GetAtt"][0] for rule in templates.resources("AWS::EC2::SecurityGroupIngress")
    }
    assert {name.rstrip("0123456789ABCDEF") for name in entered} == {"CacheGroup"}


def test_the_cache_is_reached_on_its_two_ports_by_the_ingester_and_the_api_only(templates: Templates) -> None:
    rules = templates.resources("AWS::EC2::SecurityGroupIngress")
    sources = {rule.properties["SourceSecurityGroupId"]["Fn::GetAtt"][0] for rule in rules}
    assert {source.rstrip("0123456789ABCDEF") for source in sources} == {"IngesterGroup", "ApiGroup"}
    assert {(rule.properties["FromPort"], rule.properties["ToPort"]) for rule in rules} == {(6379, 6380)}


def test_the_only_way_out_to_any_address_is_https(templates: Templates) -> None:
    open_ports = [
        (rule["IpProtocol"], rule["FromPort"], rule["ToPort"])
        for group in templates.resources(GROUP)
        for rule in group.properties["SecurityGroupEgress"]
        if rule.get("CidrIp") == "0.0.0.0/0"
    ]
    assert set(open_ports) == {("tcp", 443, 443)}


def test_nothing_joins_the_default_group_of_the_network(templates: Templates) -> None:
    function = templates.one("AWS::Lambda::Function", "ApiFunction").properties["VpcConfig"]
    service = templates.one("AWS::ECS::Service").properties["NetworkConfiguration"]["AwsvpcConfiguration"]
    cache = templates.one("AWS::ElastiCache::ServerlessCache").properties
    for groups in (function["SecurityGroupIds"], service["SecurityGroups"], cache["SecurityGroupIds"]):
        assert len(groups) == 1
    joined = [f.id for f in templates.resources("AWS::Lambda::Function") if "VpcConfig" in f.properties]
    assert joined == [templates.one("AWS::Lambda::Function", "ApiFunction").id]


def test_refused_connections_are_logged(templates: Templates) -> None:
    log = templates.one("AWS::EC2::FlowLog").properties
    assert (log["TrafficType"], log["LogDestinationType"]) == ("REJECT", "s3")
