"""The web ACL before the edge: few rules, each of which costs a dollar a month."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from stacks.constructs.gateway_answers import SLOW_DOWN, error_body

PER_ADDRESS = 1_500
"""Requests of one address in five minutes: 5 a second, all day; a page of the dashboard asks for less than one."""
RETRY_AFTER_S = 60
"""What a client over that is told to wait: the rule counts anew every few seconds, over the last five minutes."""
LONGEST_QUERY = 2_048
"""Bytes: a cursor or a list of a hundred symbols takes less than one kilobyte."""
LONGEST_PATH = 512
LONGEST_BODY = 8_192
"""Bytes; the ACL sees the first 16 KB of a body at most."""
MANAGED = {"Reputation": "AWSManagedRulesAmazonIpReputationList", "BadInputs": "AWSManagedRulesKnownBadInputsRuleSet"}

_ACL = waf.CfnWebACL
_BODY = "SlowDown"
_SLOW_DOWN = _ACL.RuleActionProperty(
    block=_ACL.BlockActionProperty(
        custom_response=_ACL.CustomResponseProperty(
            response_code=429,
            custom_response_body_key=_BODY,
            response_headers=[
                _ACL.CustomHTTPHeaderProperty(name="Retry-After", value=str(RETRY_AFTER_S)),
                _ACL.CustomHTTPHeaderProperty(name="Cache-Control", value="no-store"),
            ],
        )
    )
)
"""As the API's own 429, instead of a page of HTML with 403. It has no id of the request: the text is fixed."""
_NO_CHANGE = [_ACL.TextTransformationProperty(priority=0, type="NONE")]


class WebAcl(Construct):
    """Refuses addresses that ask too often or have a bad name, requests of known attacks, and requests that are larger
    than any of ours. `arn` is for the distribution."""

    def __init__(self, scope: Construct, id_: str, *, name: str) -> None:
        super().__init__(scope, id_)
        block = _ACL.RuleActionProperty(block={})
        rules = [("TooLarge", _too_large(), {"action": block}), ("PerAddress", _per_address(), {"action": _SLOW_DOWN})]
        group_decides = _ACL.OverrideActionProperty(none={})
        rules += [(id_, _managed(group), {"override_action": group_decides}) for id_, group in MANAGED.items()]
        acl = _ACL(
            self,
            "Acl",
            scope="CLOUDFRONT",
            description=f"{name}: rates, sizes, addresses of ill repute, known attacks.",
            default_action=_ACL.DefaultActionProperty(allow={}),
            visibility_config=_counted("All"),
            custom_response_bodies={
                _BODY: _ACL.CustomResponseBodyProperty(
                    content_type="APPLICATION_JSON", content=error_body("ERROR", SLOW_DOWN, request_id="")
                )
            },
            rules=[
                _ACL.RuleProperty(
                    name=rule,
                    priority=priority,
                    statement=statement,
                    visibility_config=_counted(rule),
                    **outcome,
                )
                for priority, (rule, statement, outcome) in enumerate(rules)
            ],
        )
        self.arn = acl.attr_arn


def _counted(name: str) -> Any:
    """Without samples of requests, which would show keys."""
    return _ACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=False
    )


def _too_large() -> Any:
    parts = (
        (_ACL.FieldToMatchProperty(query_string={}), LONGEST_QUERY),
        (_ACL.FieldToMatchProperty(uri_path={}), LONGEST_PATH),
        (_ACL.FieldToMatchProperty(body=_ACL.BodyProperty(oversize_handling="MATCH")), LONGEST_BODY),
    )
    sizes = [
        _ACL.StatementProperty(
            size_constraint_statement=_ACL.SizeConstraintStatementProperty(
                comparison_operator="GT", field_to_match=part, size=size, text_transformations=_NO_CHANGE
            )
        )
        for part, size in parts
    ]
    return _ACL.StatementProperty(or_statement=_ACL.OrStatementProperty(statements=sizes))


def _per_address() -> Any:
    return _ACL.StatementProperty(
        rate_based_statement=_ACL.RateBasedStatementProperty(
            aggregate_key_type="IP", limit=PER_ADDRESS, evaluation_window_sec=300
        )
    )


def _managed(group: str) -> Any:
    return _ACL.StatementProperty(
        managed_rule_group_statement=_ACL.ManagedRuleGroupStatementProperty(name=group, vendor_name="AWS")
    )
