"""A dashboard for each layer, drawn from its alarms: what state they are in, then each metric with its threshold."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

WIDTH, ROW = 24, 3
"""Columns of a dashboard, and graphs in a row."""


def add_dashboard(
    scope: Construct,
    layer: str,
    alarms: Mapping[str, cloudwatch.Alarm],
    metrics: Mapping[str, cloudwatch.Metric],
) -> None:
    """`<stack>-<layer>`; each graph has the name of its metric or alarm."""
    dashboard = cloudwatch.Dashboard(
        scope, f"{layer.title()}Dashboard", dashboard_name=f"{Stack.of(scope).stack_name}-{layer}"
    )
    dashboard.add_widgets(
        cloudwatch.AlarmStatusWidget(title=f"Alarms of the {layer} layer", alarms=list(alarms.values()), width=WIDTH)
    )
    width = WIDTH // ROW
    graphs: list[cloudwatch.IWidget] = [
        *(cloudwatch.GraphWidget(title=name, left=[metric], width=width) for name, metric in metrics.items()),
        *(cloudwatch.AlarmWidget(title=name, alarm=alarm, width=width) for name, alarm in alarms.items()),
    ]
    for start in range(0, len(graphs), ROW):
        dashboard.add_widgets(*graphs[start : start + ROW])
