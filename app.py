"""The whole platform: stacks, each naming what it takes from the ones before it (`python -m stacks.synth`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import App, Environment, Tags, Validations
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from stacks.batch import BatchStack
from stacks.clock import ClockStack
from stacks.constructs.assets import Assets
from stacks.database import DatabaseStack
from stacks.edge import EdgeStack
from stacks.flink import FlinkStack
from stacks.monitoring import MonitoringStack
from stacks.network import NetworkStack
from stacks.push import PushStack
from stacks.serving import ServingStack
from stacks.settings import EDGE_REGION, Settings, feature_flags
from stacks.speed import SpeedStack
from stacks.storage import StorageStack


def platform(
    out: Path | None = None,
    *,
    stub_assets: bool = False,
    cdk_rules: bool = False,
    context: Mapping[str, str] | None = None,
) -> App:
    """Every stack of one environment; `-c environment=prod -c symbols=SPY,QQQ` chooses (see `stacks/settings.py`).

    `cdk_rules`: templates are also held to the CDK's own rules for them, which takes as long as all the rest.
    """
    app = App(
        outdir=str(out) if out else None,
        context={**feature_flags(), **(context or {})},
        analytics_reporting=False,
        builtin_cloud_formation_validation=cdk_rules,
    )
    settings = Settings.from_context(app.node.get_all_context())
    assets = Assets(stubs=stub_assets)
    name = f"condvest-{settings.environment}"

    storage = StorageStack(app, "Storage", stack_name=f"{name}-storage", settings=settings)
    network = NetworkStack(app, "Network", stack_name=f"{name}-network", settings=settings, storage=storage)
    database = DatabaseStack(app, "Database", stack_name=f"{name}-database", settings=settings, network=network)
    speed = SpeedStack(
        app, "Speed", stack_name=f"{name}-speed", settings=settings, assets=assets, network=network, storage=storage
    )
    flink = None
    if settings.profile == "full":
        flink = FlinkStack(app, "Flink", stack_name=f"{name}-flink", settings=settings, assets=assets, speed=speed)
    clock = ClockStack(
        app, "Clock", stack_name=f"{name}-clock", settings=settings, assets=assets, speed=speed, flink=flink
    )
    serving = ServingStack(
        app, "Serving", stack_name=f"{name}-serving", settings=settings, assets=assets,
        network=network, storage=storage, database=database, speed=speed,
    )  # fmt: skip

    batch = BatchStack(
        app, "Batch", stack_name=f"{name}-batch", settings=settings, assets=assets,
        network=network, storage=storage, database=database, serving=serving,
    )  # fmt: skip

    push = None
    if settings.push:
        push = PushStack(
            app, "Push", stack_name=f"{name}-push", settings=settings, assets=assets,
            network=network, storage=storage, speed=speed,
        )  # fmt: skip
    MonitoringStack(
        app, "Monitoring", stack_name=f"{name}-monitoring", settings=settings, assets=assets,
        storage=storage, database=database, speed=speed, clock=clock, serving=serving, batch=batch, push=push,
    )  # fmt: skip
    EdgeStack(
        app, "Edge", stack_name=f"{name}-edge", settings=settings,
        storage=storage, serving=serving, push=push, env=Environment(region=EDGE_REGION),
    )  # fmt: skip

    Tags.of(app).add("project", "condvest")
    Tags.of(app).add("environment", settings.environment)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
    return app
