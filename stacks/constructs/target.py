"""One template for AWS and for the local emulator: what the emulator has no type for carries a condition."""

from __future__ import annotations

from typing import Any

import jsii
from aws_cdk import (
    ArnFormat,
    AspectPriority,
    Aspects,
    CfnCondition,
    CfnOutput,
    CfnParameter,
    CfnResource,
    Fn,
    IAspect,
    Stack,
)
from aws_cdk import DefaultStackSynthesizer as Synthesizer
from constructs import Construct, IConstruct

REFUSED_TYPES = frozenset(
    {
        "AWS::Batch::ComputeEnvironment",
        "AWS::Batch::JobDefinition",
        "AWS::Batch::JobQueue",
        "AWS::Budgets::Budget",
        "AWS::CloudFront::VpcOrigin",
        "AWS::EC2::FlowLog",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::ElastiCache::ServerlessCache",
        "AWS::Logs::Delivery",
        "AWS::Logs::DeliveryDestination",
        "AWS::Logs::DeliverySource",
        "AWS::XRay::SamplingRule",
    }
)
"""Of the types used here, those the local emulator does not know. One of them would make it refuse a whole template."""


STOOD_IN = frozenset({"AWS::RDS::DBCluster", "AWS::RDS::DBInstance", "Custom::DatabaseSchema"})
"""Types that the emulator knows but would start a container or call a function for; on one machine a process of ours
stands in for the database, and whoever starts it brings its schema up to date."""


FOR_PEOPLE = frozenset({"AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard"})
"""Types that the emulator knows in part; nobody is called by, or looks at, what runs on one machine."""


class TargetedStack(Stack):
    """A stack with the parameter `Target` = `aws` (default) | `local`.

    Resources of `REFUSED_TYPES`, `FOR_PEOPLE` and those `STOOD_IN` for are created on AWS only. Whatever refers to one
    asks `on_aws` for both values.
    """

    def __init__(self, scope: Construct, id_: str, **kwargs: Any) -> None:
        # Without the bootstrap rule a template has no SSM parameter and deploys by plain CloudFormation;
        # the CDK's command line still checks the bootstrap version through the assembly's manifest.
        super().__init__(
            scope,
            id_,
            synthesizer=Synthesizer(generate_bootstrap_version_rule=False),
            suppress_template_indentation=True,  # a third of a template's bytes, of which a plain deployment takes few
            **kwargs,
        )
        self._target = CfnParameter(
            self,
            "Target",
            default="aws",
            allowed_values=["aws", "local"],
            description="Where this stack is deployed: an AWS account, or the emulator on one machine.",
        )
        CfnOutput(self, "DeployedTo", value=self._target.value_as_string, description="The value of Target.")
        self._condition: CfnCondition | None = None
        Aspects.of(self).add(_OnAwsOnly(), priority=AspectPriority.MUTATING)

    @property
    def aws_condition(self) -> CfnCondition:
        """The condition `OnAws`, made on first use: an unused condition is a lint finding."""
        if self._condition is None:
            self._condition = CfnCondition(
                self, "OnAws", expression=Fn.condition_equals(self._target.value_as_string, "aws")
            )
        return self._condition

    def on_aws(self, value: Any, *, locally: Any) -> Any:
        """`value` on AWS, `locally` in the emulator (a token; `Token.as_*` gives it a type)."""
        return Fn.condition_if(self.aws_condition.logical_id, value, locally)


def no_resource(stack: Stack, service: str, resource: str) -> str:
    """An ARN of nothing, for policies in the emulator that would name what is made on AWS only."""
    return stack.format_arn(
        service=service, resource=resource, arn_format=ArnFormat.COLON_RESOURCE_NAME, resource_name="none"
    )


@jsii.implements(IAspect)
class _OnAwsOnly:
    """Puts the condition on types that are for AWS alone, wherever a construct made one."""

    def visit(self, node: IConstruct) -> None:
        """Called by the CDK for every construct below the stack."""
        if isinstance(node, CfnResource) and node.cfn_resource_type in REFUSED_TYPES | STOOD_IN | FOR_PEOPLE:
            stack = Stack.of(node)
            if not isinstance(stack, TargetedStack):
                raise TypeError(f"{node.node.path} needs a stack with the parameter Target")
            node.cfn_options.condition = stack.aws_condition
