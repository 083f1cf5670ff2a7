"""What AWS, cfn-lint and the security packs say of the templates."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from stacks.report import acknowledged, findings, lines, too_large
from stacks.synth import templates as deployed
from tests.infrastructure.templates import Templates

ACCEPTED = Counter(
    {
        "AwsSolutions-APIG3": 1,
        "AwsSolutions-APIG4": 1,
        "AwsSolutions-CFR1": 1,
        "AwsSolutions-CFR2": 1,
        "AwsSolutions-CFR3": 1,
        "AwsSolutions-CFR4": 1,
        "AwsSolutions-CFR5": 1,
        "AwsSolutions-COG4": 24,
        "AwsSolutions-DDB3": 2,
        "AwsSolutions-ECS2": 2,
        "AwsSolutions-ECS4": 2,
        "AwsSolutions-IAM4": 1,
        "AwsSolutions-IAM5": 43,
        "AwsSolutions-L1": 15,
        "AwsSolutions-SMG4": 2,
        "AwsSolutions-SQS3": 1,
        "W9003": 1,
        "Serverless-LambdaDLQ": 14,
        "Serverless-LambdaTracing": 7,
        "Serverless-LambdaLatestVersion": 15,
        "Serverless-SNSRedrivePolicy": 1,
        "Serverless-SQSRedrivePolicy": 2,
    }
)
"""Findings we accept, by rule. It grows by a change to this list and in no other way."""


def test_the_stacks_deploy_in_this_order(templates: Templates) -> None:
    assert list(templates.bodies) == [
        "Storage",
        "Network",
        "Database",
        "Speed",
        "Clock",
        "Serving",
        "Push",
        "Batch",
        "Edge",
        "Monitoring",
    ]


def test_push_is_deployed_only_where_it_is_asked_for(without_push: Templates) -> None:
    assert list(without_push.bodies) == [
        "Storage",
        "Network",
        "Database",
        "Speed",
        "Clock",
        "Serving",
        "Batch",
        "Edge",
        "Monitoring",
    ]
    assert not [r.id for r in without_push.resources() if "Push" in r.id]
    assert findings(without_push.folder) == []


def test_no_finding_of_the_security_packs_is_left_open(assembly: Path) -> None:
    report = json.loads((assembly / "validation-report.json").read_text())
    assert {"AwsSolutions", "Serverless"} <= {plugin["pluginName"] for plugin in report["pluginReports"]}
    assert findings(assembly) == []


def test_accepted_findings_are_listed_here_and_have_reasons(assembly: Path) -> None:
    accepted = acknowledged(assembly)
    assert Counter(v["ruleName"].partition("[")[0] for v in accepted) == ACCEPTED
    for violation in accepted:
        assert len(violation["reason"]) >= 40, violation["ruleName"]  # less is a label
        assert violation["acknowledgedAt"].count("/") >= 1, "never a whole stack"


def test_cfn_lint_finds_nothing(assemblies: Path) -> None:
    """In one process, since reading its rules takes a while; of equal templates one is looked at."""
    files = [file for name in ("with_push", "without_push", "full") for file in deployed(assemblies / name)]
    looked_at = {file.read_text(): file for file in files}.values()
    done = subprocess.run(  # noqa: S603 - a tool of this environment on our own files
        [str(Path(sys.executable).parent / "cfn-lint"), *map(str, looked_at)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_templates_of_every_profile_are_small_enough_to_deploy_without_a_bucket(assemblies: Path) -> None:
    """Counted here by themselves, against CloudFormation's published quotas."""
    files = list(assemblies.glob("*/*.template.json"))
    assert len(files) > 60
    for file in files:
        body = json.loads(file.read_text())
        held = (file.stat().st_size, len(body["Resources"]), len(body.get("Outputs", {})))
        assert all(one < most for one, most in zip(held, (51_200, 500, 200), strict=True)), file


def test_a_template_that_is_too_large_is_told(tmp_path: Path) -> None:
    small = {"Resources": {"One": {"Type": "AWS::SNS::Topic"}}}
    wide = {"Resources": {f"R{number}": {"Type": "AWS::SNS::Topic"} for number in range(501)}}
    told = {"Resources": small["Resources"], "Outputs": {f"O{number}": {"Value": ""} for number in range(201)}}
    long = {"Resources": small["Resources"], "Description": "x" * 51_200}
    bodies = {"Small": small, "Wide": wide, "Told": told, "Long": long}
    for stack, body in bodies.items():
        (tmp_path / f"{stack}.template.json").write_text(json.dumps(body))
    assert too_large([tmp_path / f"{stack}.template.json" for stack in bodies]) == ["Wide", "Told", "Long"]


def test_the_report_counts_what_was_found_and_what_may_be_done(assembly: Path) -> None:
    *_, checks, rights = lines(assembly, deployed(assembly))
    assert re.fullmatch(
        r"checks: AwsSolutions and Serverless and CloudFormation Validate: 0 open, \d+ of \d+ rules acknowledged .*",
        checks,
    )
    assert re.fullmatch(r"rights: \d+ principals, \d+ rights .*", rights)
    assert int(checks.split(", ")[1].split()[0]) == sum(ACCEPTED.values())


def test_every_import_has_an_export_of_an_earlier_stack(templates: Templates) -> None:
    exported: set[str] = set()
    for stack, template in templates.bodies.items():
        imported = {value for key, value in _walk(template["Resources"]) if key == "Fn::ImportValue"}
        assert imported <= exported, f"{stack} imports what no earlier stack exports"
        exported |= {o["Export"]["Name"] for o in template.get("Outputs", {}).values() if "Export" in o}


def test_the_edge_reads_outputs_that_earlier_stacks_have(templates: Templates) -> None:
    stacks = {f"condvest-dev-{stack.lower()}": template for stack, template in templates.bodies.items()}
    read = [value for key, value in _walk(templates.bodies["Edge"]["Resources"]) if key == "Fn::GetStackOutput"]
    found = {(value["StackName"], value["OutputName"], value["Region"]) for value in read if isinstance(value, dict)}
    assert {(stack, region) for stack, _, region in found} == {
        ("condvest-dev-storage", "us-east-1"),
        ("condvest-dev-serving", "us-east-1"),
        ("condvest-dev-push", "us-east-1"),
    }
    for stack, output, _ in found:
        assert output in stacks[stack]["Outputs"]


def test_every_stack_is_for_aws_unless_told_otherwise(templates: Templates) -> None:
    for template in templates.bodies.values():
        target = template["Parameters"]["Target"]
        assert (target["Default"], target["AllowedValues"]) == ("aws", ["aws", "local"])
        assert list(template["Parameters"]) == ["Target"], "nothing else has to be given"


def test_values_of_conditional_resources_are_read_under_their_condition(templates: Templates) -> None:
    for stack, template in templates.bodies.items():
        conditional = {name for name, body in template["Resources"].items() if "Condition" in body}
        for name, output in template.get("Outputs", {}).items():
            used = {
                str(value[0])
                for key, value in _walk(output["Value"])
                if key == "Fn::GetAtt" and isinstance(value, list)
            }
            assert not used & conditional or output.get("Condition") == "OnAws", f"{stack}.{name}"


def test_an_assembly_of_stubs_says_so(assembly: Path) -> None:
    assert (assembly / "stub-assets").exists()


def test_settings_reach_the_templates(assemblies: Path) -> None:
    """Those of `prod` in assemblies.py."""
    templates = Templates.of(assemblies / "prod")
    (container,) = templates.one("AWS::ECS::TaskDefinition", "Ingester").properties["ContainerDefinitions"]
    environment = {pair["Name"]: pair["Value"] for pair in container["Environment"]}
    assert (environment["SYMBOLS"], environment["SHARDS"], environment["LANES"]) == ("SPY,QQQ", "3", "6")
    assert templates.one("AWS::Kinesis::Stream", "Trades").properties["ShardCount"] == 3
    assert templates.one("AWS::ElastiCache::ServerlessCache").properties["ServerlessCacheName"] == "condvest-prod"


def _walk(value: object) -> list[tuple[str, object]]:
    """Every (key, value) in nested dictionaries and lists."""
    if isinstance(value, dict):
        return [pair for key, held in value.items() for pair in [(key, held), *_walk(held)]]
    if isinstance(value, list):
        return [pair for held in value for pair in _walk(held)]
    return []
