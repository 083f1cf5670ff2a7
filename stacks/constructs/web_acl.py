"""The web ACL before the edge: few rules, each of which costs a dollar a month."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_wafv2 as waf
from constructs import Construct

PER_ADDRESS = 1_500
"""Requests of one address in five minutes: 5 a second, all day; a page of the dashboard asks for less than one."""
LONGEST_QUERY = 2_048
"""Bytes: a cursor or a list of a hundred symbols takes less than one kilobyte."""
LONGEST_PATH = 512
LONGEST_BODY = 8_192
"""Bytes; the ACL sees the first 16 KB of a body at most."""
MANAGED = {"Reputation": "AWSManagedRulesAmazonIpReputationList", "BadInputs": "AWSManagedRulesKnownBadInputsRuleSet"}

_ACL = waf.CfnWebACL
_NO_CHANGE = [_ACL.TextTransformationProperty(priority=0, type="NONE")]


class WebAcl(Construct):
    """Refuses addresses that ask too often or have a bad name, requests of known attacks, and requests that are larger
    than any of ours. `arn` is for the distribution."""

    def __init__(self, scope: Construct, id_: str, *, name: str) -> None:
        super().__init__(scope, id_)
        rules = [("TooLarge", _too_large(), None), ("PerAddress", _per_address(), None)]
        rules += [(id_, _managed(group), _ACL.OverrideActionProperty(none={})) for id_, group in MANAGED.items()]
        acl = _ACL(
            self,
            "Acl",
            scope="CLOUDFRONT",
            description=f"{name}: rates, sizes, addresses of ill repute, known attacks.",
            default_action=_ACL.DefaultActionProperty(allow={}),
            visibility_config=_counted("All"),
            rules=[
                _ACL.RuleProperty(
                    name=rule,
                    priority=priority,
                    statement=statement,
                    visibility_config=_counted(rule),
                    action=_ACL.RuleActionProperty(block={}) if override is None else None,
                    override_action=override,
                )
                for priority, (rule, statement, override) in enumerate(rules)
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
