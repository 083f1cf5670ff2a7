"""What constructs refuse, asked directly. Importing the CDK starts Node, so the tests do it and not the module."""
# ruff: noqa: PLC0415

import pytest

from tests.infrastructure.templates import Templates


def test_a_finding_cannot_be_accepted_without_a_reason() -> None:
    from aws_cdk import App, Stack

    from stacks.constructs.nag import acknowledge

    with pytest.raises(ValueError, match="at least 40 characters"):
        acknowledge(Stack(App(), "Any"), {"AwsSolutions::AwsSolutions-S1": "not needed"})


def test_a_header_that_the_edge_cannot_send_is_refused() -> None:
    from aws_cdk import App, Stack

    from stacks.constructs.page_headers import page_headers_policy

    with pytest.raises(ValueError, match="X-Content-Type-Options must be nosniff, was 'none'"):
        page_headers_policy(Stack(App(), "Any"), "Headers", {"X-Content-Type-Options": "none"})


def test_what_the_emulator_refuses_is_made_on_aws_only(templates: Templates) -> None:
    from stacks.constructs.target import FOR_PEOPLE, REFUSED_TYPES, STOOD_IN

    listed = REFUSED_TYPES | STOOD_IN | FOR_PEOPLE
    for resource in templates.resources():
        if resource.type in listed:
            assert resource.body.get("Condition") == "OnAws", resource.id
        else:
            assert "Condition" not in resource.body, resource.id
    assert {r.type for r in templates.resources(*listed)} == listed, "the lists name what is used"
