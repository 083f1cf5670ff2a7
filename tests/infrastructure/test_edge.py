"""What must hold of the public entrance: which path goes where, what is sent, and what is never written down."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stacks.settings import ROOT
from tests.fakes.edge_function import VIEWER_REQUEST
from tests.infrastructure.templates import Templates

CACHING_DISABLED, CACHING_OPTIMIZED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "658327ea-f89d-4fab-a63d-7e88639e58f6"
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
HEADERS = ROOT / "serving_layer" / "dashboard" / "headers.json"


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


def test_answers_are_kept_by_what_the_key_opens_and_only_where_they_say_so(
    templates: Templates, edge: Mapping[str, Any], behaviors: Mapping[str, Mapping[str, Any]]
) -> None:
    policy = templates.one("AWS::CloudFront::CachePolicy")
    assert edge["DefaultCacheBehavior"]["CachePolicyId"] == {"Ref": policy.id}
    config = policy.properties["CachePolicyConfig"]
    assert (config["MinTTL"], config["DefaultTTL"], config["MaxTTL"]) == (0, 0, 60)
    key = config["ParametersInCacheKeyAndForwardedToOrigin"]
    assert set(key["HeadersConfig"]["Headers"]) == {"x-cv-host", "x-cv-plan", "x-cv-scopes"}
    assert key["QueryStringsConfig"] == {"QueryStringBehavior": "all"}
    assert key["CookiesConfig"] == {"CookieBehavior": "none"}
    assert (key["EnableAcceptEncodingGzip"], key["EnableAcceptEncodingBrotli"]) == (True, False)
    assert behaviors["/stocks"]["CachePolicyId"] == CACHING_DISABLED
    assert behaviors["/dashboard/*"]["CachePolicyId"] == CACHING_OPTIMIZED


def test_the_api_gets_what_the_cache_goes_by_and_the_hash_but_no_key(
    templates: Templates, edge: Mapping[str, Any]
) -> None:
    """A header that reached the API without being part of the cache's key could change what others are given."""
    policy = templates.one("AWS::CloudFront::OriginRequestPolicy")
    assert edge["DefaultCacheBehavior"]["OriginRequestPolicyId"] == {"Ref": policy.id}
    config = policy.properties["OriginRequestPolicyConfig"]
    assert config["HeadersConfig"] == {"HeaderBehavior": "whitelist", "Headers": ["x-cv-key", "content-type"]}
    assert config["QueryStringsConfig"] == {"QueryStringBehavior": "none"}
    assert config["CookiesConfig"] == {"CookieBehavior": "none"}


def test_the_api_knows_the_edge_by_a_secret_that_stands_in_no_template(
    templates: Templates, origins: Mapping[str, Mapping[str, Any]]
) -> None:
    (header,) = origins["api"]["OriginCustomHeaders"]
    assert header["HeaderName"] == "x-cv-origin"
    before, output, after = header["HeaderValue"]["Fn::Join"][1]
    assert (before, after) == ("{{resolve:secretsmanager:", ":SecretString}}")
    assert output["Fn::GetStackOutput"]["OutputName"] == "OriginSecretAtTheEdge"
    secret = templates.one("AWS::SecretsManager::Secret", "OriginSecret")
    assert secret.properties["GenerateSecretString"] == {"ExcludePunctuation": True, "PasswordLength": 64}
    assert templates.bodies["Storage"]["Outputs"]["OriginSecretAtTheEdge"]["Value"] == {"Ref": secret.id}
    function = templates.one("AWS::Lambda::Function", "AuthFunction")
    condition, on_aws, locally = function.properties["Environment"]["Variables"]["ORIGIN_SECRET"]["Fn::If"]
    assert (condition, locally) == ("OnAws", "")
    assert secret.id in json.dumps(on_aws)


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


def test_keys_are_checked_before_the_cache_by_the_function_with_its_store(
    templates: Templates, edge: Mapping[str, Any], behaviors: Mapping[str, Mapping[str, Any]]
) -> None:
    function = templates.one("AWS::CloudFront::Function")
    (association,) = edge["DefaultCacheBehavior"]["FunctionAssociations"]
    assert association["EventType"] == "viewer-request"
    assert association["FunctionARN"]["Fn::GetAtt"][0] == function.id
    assert function.properties["FunctionCode"] == VIEWER_REQUEST.read_text()
    config = function.properties["FunctionConfig"]
    assert config["Runtime"] == "cloudfront-js-2.0"
    (store,) = config["KeyValueStoreAssociations"]
    assert store["KeyValueStoreARN"]["Fn::GetAtt"][0] == templates.one("AWS::CloudFront::KeyValueStore").id
    assert not any(behavior.get("FunctionAssociations") for behavior in behaviors.values()), "pages and push have none"


def test_full_has_a_web_acl_and_lean_none(assemblies: Path, without_push: Templates) -> None:
    full = Templates.of(assemblies / "full")
    acl = full.one("AWS::WAFv2::WebACL")
    config = full.one("AWS::CloudFront::Distribution").properties["DistributionConfig"]
    assert config["WebACLId"] == {"Fn::GetAtt": [acl.id, "Arn"]}
    assert without_push.resources("AWS::WAFv2::WebACL") == []
    assert "WebACLId" not in without_push.one("AWS::CloudFront::Distribution").properties["DistributionConfig"]


def test_the_web_acl_counts_and_refuses_by_value(assemblies: Path) -> None:
    acl = Templates.of(assemblies / "full").one("AWS::WAFv2::WebACL").properties
    assert (acl["Scope"], acl["DefaultAction"]) == ("CLOUDFRONT", {"Allow": {}})
    rules = {rule["Name"]: rule for rule in sorted(acl["Rules"], key=lambda rule: rule["Priority"])}
    assert list(rules) == ["TooLarge", "PerAddress", "Reputation", "BadInputs"]
    assert rules["TooLarge"]["Action"] == {"Block": {}}
    for name, group in (("Reputation", "AmazonIpReputationList"), ("BadInputs", "KnownBadInputsRuleSet")):
        assert rules[name]["OverrideAction"] == {"None": {}}, "its rules block"
        assert rules[name]["Statement"] == {
            "ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": f"AWSManagedRules{group}"}
        }
    rate = rules["PerAddress"]["Statement"]["RateBasedStatement"]
    assert rate == {"AggregateKeyType": "IP", "EvaluationWindowSec": 300, "Limit": 1_500}
    sizes = [s["SizeConstraintStatement"] for s in rules["TooLarge"]["Statement"]["OrStatement"]["Statements"]]
    assert {next(iter(s["FieldToMatch"])): (s["ComparisonOperator"], s["Size"]) for s in sizes} == {
        "QueryString": ("GT", 2_048),
        "UriPath": ("GT", 512),
        "Body": ("GT", 8_192),
    }
    for counted in (acl, *rules.values()):
        assert counted["VisibilityConfig"]["SampledRequestsEnabled"] is False, "samples would show keys"


def test_who_asks_too_often_is_told_so_as_by_the_api(assemblies: Path) -> None:
    full = Templates.of(assemblies / "full")
    acl = full.one("AWS::WAFv2::WebACL").properties
    (rule,) = [rule for rule in acl["Rules"] if rule["Name"] == "PerAddress"]
    assert rule["Action"] == {
        "Block": {
            "CustomResponse": {
                "ResponseCode": 429,
                "CustomResponseBodyKey": "SlowDown",
                "ResponseHeaders": [
                    {"Name": "Retry-After", "Value": "60"},
                    {"Name": "Cache-Control", "Value": "no-store"},
                ],
            }
        }
    }
    answers = {r.properties["ResponseType"]: r.properties for r in full.resources("AWS::ApiGateway::GatewayResponse")}
    said = json.loads(answers["THROTTLED"]["ResponseTemplates"]["application/json"])
    body = acl["CustomResponseBodies"]["SlowDown"]
    assert body["ContentType"] == "APPLICATION_JSON"
    assert json.loads(body["Content"]) == {**said, "request_id": ""}
    assert said["message"].startswith("You've exceeded the maximum requests")


def test_with_a_domain_nothing_below_tls_12_is_spoken(assemblies: Path, edge: Mapping[str, Any]) -> None:
    named = Templates.of(assemblies / "prod")
    config = named.one("AWS::CloudFront::Distribution").properties["DistributionConfig"]
    assert config["Aliases"] == ["bars.example.com"]
    certificate = config["ViewerCertificate"]
    assert certificate["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert certificate["AcmCertificateArn"].startswith("arn:aws:acm:us-east-1:")
    assert named.bodies["Edge"]["Outputs"]["Url"]["Value"] == "https://bars.example.com"
    assert not edge.keys() & {"Aliases", "ViewerCertificate"}


def test_elsewhere_the_secret_has_a_copy_where_the_edge_is(assemblies: Path, templates: Templates) -> None:
    elsewhere = Templates.of(assemblies / "prod")
    secret = elsewhere.one("AWS::SecretsManager::Secret", "OriginSecret")
    assert secret.properties["ReplicaRegions"] == [{"Region": "us-east-1"}]
    assert "ReplicaRegions" not in templates.one("AWS::SecretsManager::Secret", "OriginSecret").properties
    config = elsewhere.one("AWS::CloudFront::Distribution").properties["DistributionConfig"]
    (api,) = [origin for origin in config["Origins"] if origin["Id"] == "api"]
    assert api["OriginCustomHeaders"][0]["HeaderValue"]["Fn::Join"][1][-1] == f":SecretString:::{'a1' * 16}}}}}"
    copy = elsewhere.bodies["Storage"]["Outputs"]["OriginSecretAtTheEdge"]["Value"]["Fn::Join"][1]
    assert "".join(part if isinstance(part, str) else "·" for part in copy).startswith(
        "arn:·:secretsmanager:us-east-1:·:secret:"
    )
    assert copy[-1] == {"Fn::Select": [6, {"Fn::Split": [":", {"Ref": secret.id}]}]}


def test_the_edge_is_in_the_one_region_that_cloudfront_logs_from(assembly: Path) -> None:
    artifacts = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
    assert artifacts["Edge"]["environment"] == "aws://unknown-account/us-east-1"
    assert artifacts["Serving"]["environment"] == "aws://unknown-account/unknown-region"
