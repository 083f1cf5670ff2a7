"""Templates small enough to price by hand."""

from typing import Any

from local_dev.cost.assembly import Assembly

CONTAINER = {
    "Environment": [
        {"Name": "LANES", "Value": "4"},
        {"Name": "SHARDS", "Value": "2"},
        {"Name": "SESSIONS", "Value": "XNYS"},
    ]
}
INGESTER: dict[str, Any] = {
    "IngesterTask": {
        "Type": "AWS::ECS::TaskDefinition",
        "Properties": {
            "Cpu": "1024",
            "Memory": "2048",
            "RuntimePlatform": {"CpuArchitecture": "ARM64"},
            "ContainerDefinitions": [CONTAINER],
        },
    },
    "IngesterService": {
        "Type": "AWS::ECS::Service",
        "Properties": {
            "TaskDefinition": {"Ref": "IngesterTask"},
            "NetworkConfiguration": {"AwsvpcConfiguration": {"AssignPublicIp": "ENABLED"}},
        },
    },
}


def assembly(**stacks: dict[str, Any]) -> Assembly:
    """The ingester in a stack `speed`, and other resources by stack and id."""
    held = {name: {"Resources": resources} for name, resources in stacks.items()}
    speed = {**INGESTER, **stacks.get("speed", {})}
    return Assembly({**held, "speed": {"Resources": speed}})


def schedule(cron: str, action: str, target: dict[str, Any], zone: str = "America/New_York") -> dict[str, Any]:
    return {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {
            "ScheduleExpression": f"cron({cron})",
            "ScheduleExpressionTimezone": zone,
            "Target": {
                "Arn": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, f":scheduler:::aws-sdk:{action}"]]},
                "Input": {"Fn::Join": ["", ['{"Name": "', target, '"}']]},
            },
        },
    }


def clock(*, state: str = "ENABLED", cron: str = "15 3 ? * * *", flink: bool = True) -> dict[str, Any]:
    """A stack with a planner of the ingester, and of the application of the stack `flink`."""
    names = {"INGESTER_SERVICE": {"Fn::ImportValue": "speed:ExportsOutputFnGetAttIngesterServiceName"}}
    if flink:
        names["FLINK_APPLICATION"] = {"Fn::ImportValue": "flink:ExportsOutputRefApplication"}
    morning = schedule(cron, "unused", {"Ref": "Planner"})["Properties"]
    target = {"Arn": {"Fn::GetAtt": ["Planner", "Arn"]}}
    return {
        "Planner": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Handler": "speed_layer.planner.handler.lambda_handler",
                "Environment": {"Variables": {"SESSIONS": "XNYS", **names}},
            },
        },
        "Morning": {"Type": "AWS::Scheduler::Schedule", "Properties": {**morning, "State": state, "Target": target}},
    }
