"""Settings of a deployment refuse what would fail an hour later."""

from typing import Any

import pytest

from stacks.settings import Settings, feature_flags
from tests.infrastructure.assemblies import CERTIFICATE


def test_defaults_are_a_lean_development_environment() -> None:
    settings = Settings()
    assert (settings.environment, settings.profile, settings.symbols) == ("dev", "lean", ("*",))
    assert settings.lanes % settings.shards == 0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"environment": "Prod"}, "environment must be a letter, then up to 15"),
        ({"environment": "a" * 17}, "environment must be"),
        ({"environment": ""}, "environment must be"),
        ({"profile": "fat"}, "profile must be 'lean' or 'full', was 'fat'"),
        ({"symbols": ()}, "symbols must be tickers, or '\\*' alone"),
        ({"symbols": ("*", "SPY")}, "symbols must be tickers, or '\\*' alone"),
        ({"symbols": ("SPY", "no spaces")}, "was 'no spaces'"),
        ({"shards": 0}, "shards must be at least 1, was 0"),
        ({"lanes_per_shard": 0}, "lanes_per_shard must be at least 1"),
        ({"log_retention_days": 31}, "log_retention_days must be one of"),
        ({"strategies": "ema"}, "strategies: STRATEGIES must be a list of strategies: JSON is malformed"),
        ({"strategies": "{}"}, "strategies: STRATEGIES must be a list of strategies"),
        ({"strategies": '[{"strategy": "ema", "timeframes": ["1m"]}]'}, r"entry 0 \(ema\): strategy must be one of"),
        (
            {"strategies": '[{"strategy": "macd_cross", "timeframes": ["1m"], "params": {"fast": 30}}]'},
            "params: must increase: fast 30, slow 26",
        ),
        ({"vendor_calls_a_minute": 0}, "vendor_calls_a_minute must be at least 1, was 0"),
        ({"database_units": 0}, r"database_units must be one of \(1, 2, 4, .* 128\), was 0"),
        ({"alarm_email": "nobody"}, "alarm_email must be an e-mail address, or empty, was 'nobody'"),
        ({"alarm_email": "a b@c.d"}, "alarm_email must be"),
        ({"budget_usd": 0}, "budget_usd must be at least 1, was 0"),
        ({"region": "Frankfurt"}, "region must be a region of AWS whose database we can tell, .* was 'Frankfurt'"),
        ({"region": "us-east-9"}, "region must be a region of AWS whose database we can tell, .* was 'us-east-9'"),
        ({"cloudfront_prefix_list": "sg-1"}, "cloudfront_prefix_list must be pl- and"),
        ({"web_acl": "yes"}, "web_acl must be by_profile, on or off, was 'yes'"),
        ({"domain": "bars.example.com"}, "domain and certificate_arn must be given together"),
        ({"certificate_arn": CERTIFICATE}, "domain and certificate_arn must be given together"),
        ({"domain": "https://bars.example.com", "certificate_arn": CERTIFICATE}, "domain must be a name such as"),
        (
            {"domain": "bars.example.com", "certificate_arn": CERTIFICATE.replace("us-east-1", "eu-west-1")},
            "certificate_arn must be the ARN of a certificate in us-east-1",
        ),
        ({"origin_secret_version": "AWSCURRENT"}, "origin_secret_version must be a version id"),
        ({"push": True, "region": "eu-west-1"}, "cloudfront_prefix_list must be that of eu-west-1"),
    ],
)
def test_a_wrong_setting_is_named_with_its_rule_and_value(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Settings(**wrong)


@pytest.mark.parametrize(
    ("profile", "web_acl", "has"),
    [("full", "by_profile", True), ("lean", "by_profile", False), ("lean", "on", True), ("full", "off", False)],
)
def test_the_web_acl_goes_with_the_profile_unless_it_is_said(profile: Any, web_acl: Any, has: bool) -> None:
    assert Settings(profile=profile, web_acl=web_acl).has_web_acl is has


def test_strategies_are_passed_on_as_they_were_given() -> None:
    text = '[{"strategy": "macd_cross", "timeframes": ["1m"]}]'
    assert Settings(strategies=text).strategies == text


def test_settings_cannot_be_changed_after_they_were_checked() -> None:
    with pytest.raises(AttributeError):
        setattr(Settings(), "shards", 4)  # noqa: B010 - an assignment that the type checker cannot see


def test_context_gives_settings_as_text() -> None:
    settings = Settings.from_context({"shards": "4", "symbols": "SPY,BRK.B", "environment": "prod", "@aws/x": True})
    assert (settings.shards, settings.symbols, settings.environment) == (4, ("SPY", "BRK.B"), "prod")


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="shards must be a whole number, was 'two'"):
        Settings.from_context({"shards": "two"})


@pytest.mark.parametrize(("word", "on"), [("on", True), ("off", False)])
def test_push_is_switched_by_a_word(word: str, on: bool) -> None:
    assert Settings.from_context({"push": word}).push is on
    assert Settings().push is False


def test_push_is_neither_true_nor_1() -> None:
    with pytest.raises(ValueError, match="push must be on or off, was '1'"):
        Settings.from_context({"push": "1"})


def test_references_between_stacks_hold_their_producers() -> None:
    assert feature_flags()["@aws-cdk/core:defaultCrossStackReferences"] == "strong"
