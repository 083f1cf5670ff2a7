"""Who looks and who is told: the watch function, the alarms of stacks/alarms.py, a dashboard a layer, the budget."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnOutput, Duration, Fn, RemovalPolicy, Token
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from stacks.alarms import FIVE, GRAPHS, Alarm, Layer, Source, deployed
from stacks.batch import BatchStack
from stacks.clock import ClockStack
from stacks.constructs.assets import Assets
from stacks.constructs.dashboards import add_dashboard
from stacks.constructs.function import ServiceFunction
from stacks.constructs.nag import acknowledge
from stacks.constructs.rest_api import STAGE
from stacks.constructs.rights import get_item, grant, invoke, list_bucket, query, write_items
from stacks.constructs.target import TargetedStack
from stacks.database import DatabaseStack
from stacks.flink import application_name
from stacks.push import PushStack
from stacks.serving import ServingStack
from stacks.settings import Settings
from stacks.speed import SESSIONS, SpeedStack
from stacks.storage import StorageStack

LAYERS: tuple[Layer, ...] = ("speed", "batch", "serving")
RUNBOOKS = "docs/runbooks.md"


class MonitoringStack(TargetedStack):
    """Holds nothing that could not be made again. On one machine only the function is there: nobody is called."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        assets: Assets,
        storage: StorageStack,
        database: DatabaseStack,
        speed: SpeedStack,
        clock: ClockStack,
        serving: ServingStack,
        batch: BatchStack,
        push: PushStack | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, id_, **kwargs)
        for stack in (database, serving):  # what is taken from them goes by name
            self.add_stack_dependency(stack)
        self._settings = settings
        self._names = {
            "namespace": settings.metrics_namespace,
            **{name: reader.function.function_name for name, reader in speed.readers.items()},
            "trades": speed.trades.stream_name,
            "flink": application_name(settings),
            "nightly": batch.nightly.machine.state_machine_arn,
            "missed": batch.nightly.missed.queue_name,
            "missed orders": clock.missed.queue_name,
            "api": serving.stack_name,
            "stage": STAGE,
            "cache": speed.cache.name,
            "database": Fn.import_value(database.export("Identifier")),
            **({"balancer": push.balancer_name, "targets": push.targets_name} if push else {}),
        }
        self._watch(assets, storage)
        topic = self._topic()
        action = actions.SnsAction(topic)
        made: dict[Layer, dict[str, cloudwatch.Alarm]] = {layer: {} for layer in LAYERS}
        for alarm in deployed(
            full=settings.profile == "full", push=push is not None, us_east_1=settings.region == "us-east-1"
        ):
            made[alarm.layer][alarm.name] = self._alarm(alarm, action)
        for layer in LAYERS:
            add_dashboard(self, layer, made[layer], self._graphs(layer))
        self._budget(topic)

    def _graphs(self, layer: Layer) -> dict[str, cloudwatch.Metric]:
        return {
            name: self._plain(source, statistic, Duration.seconds(FIVE)) for name, source, statistic in GRAPHS[layer]
        }

    def _watch(self, assets: Assets, storage: StorageStack) -> None:
        control, lake = storage.control_table, storage.lake_bucket
        watch = ServiceFunction(
            self,
            "Watch",
            assets=assets,
            name="watch",
            description="Each minute: sessions, silence, nights that were not, batches given up.",
            environment={
                "CONTROL_TABLE": control.table_name,
                "LAKE_BUCKET": lake.bucket_name,
                "SESSIONS": SESSIONS,
                "METRICS_NAMESPACE": self._settings.metrics_namespace,
            },
            rights=[
                query(control, "ingest", "run"),
                get_item(control, "through", "watch"),
                write_items(control, "watch"),
                list_bucket(lake),
            ],
            retention_days=self._settings.log_retention_days,
            memory_mb=256,
            timeout=Duration.seconds(20),
            traced=False,
        )
        role = iam.Role(
            self,
            "WatchClockRole",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": self.account}}
            ),
            description="Calls the watch function once a minute.",
        )
        grant(role, [invoke(watch.function)])
        scheduler.CfnSchedule(
            self,
            "EveryMinute",
            schedule_expression="rate(1 minute)",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            state=Token.as_string(self.on_aws("ENABLED", locally="DISABLED")),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=watch.function.function_arn,
                role_arn=role.role_arn,
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=60, maximum_retry_attempts=0
                ),
            ),
        )

    def _topic(self) -> sns.Topic:
        """With a key of its own: CloudWatch cannot publish under the one that AWS manages for SNS."""
        key = kms.Key(
            self,
            "Key",
            description="Messages of alarms.",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,  # what it has sealed is delivered at once
        )
        topic = sns.Topic(self, "Topic", master_key=key, enforce_ssl=True)
        for service in ("cloudwatch.amazonaws.com", "budgets.amazonaws.com"):
            # whose alarm it is the topic asks; of a key CloudWatch's documentation shows no such condition
            key.grant(iam.ServicePrincipal(service), "kms:Decrypt", "kms:GenerateDataKey*")
            ours = {"StringEquals": {"aws:SourceAccount": self.account}}
            topic.grant_publish(iam.ServicePrincipal(service, conditions=ours))
        if self._settings.alarm_email:
            topic.add_subscription(subscriptions.EmailSubscription(self._settings.alarm_email))
            acknowledge(
                topic,
                {
                    "Serverless::Serverless-SNSRedrivePolicy": "A message by e-mail is not tried again by us: what it "
                    "said stands in the state of its alarm, on the dashboard."
                },
            )
        CfnOutput(self, "AlarmTopicArn", value=topic.topic_arn, description="Subscribe here to hear of alarms.")
        return topic

    def _alarm(self, alarm: Alarm, action: actions.SnsAction) -> cloudwatch.Alarm:
        made = cloudwatch.Alarm(
            self,
            alarm.name,
            alarm_name=f"{self._settings.metrics_namespace}-{alarm.name}",
            alarm_description=f"{alarm.why} {RUNBOOKS}#{alarm.name}",
            metric=self._metric(alarm),
            comparison_operator=_COMPARISONS[alarm.comparison],
            threshold=self._settings.budget_usd if alarm.threshold == "{budget}" else alarm.threshold,
            evaluation_periods=alarm.periods,
            datapoints_to_alarm=alarm.points,
            treat_missing_data=_MISSING[alarm.missing],
        )
        made.add_alarm_action(action)
        made.add_ok_action(action)
        return made

    def _metric(self, alarm: Alarm) -> cloudwatch.IMetric:
        period = Duration.seconds(alarm.period_s)
        metric = self._plain(alarm.source, alarm.statistic, period)
        if alarm.when == "always":
            return metric
        used = {"m": metric} | ({"g": self._plain(alarm.gate, "Maximum", period)} if alarm.gate else {})
        return cloudwatch.MathExpression(
            expression=alarm.expression, using_metrics=used, period=period, label=alarm.name
        )

    def _plain(self, source: Source, statistic: str, period: Duration) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=self._named(source.namespace),
            metric_name=source.name,
            dimensions_map={name: self._named(value) for name, value in source.dimensions.items()},
            statistic=statistic,
            period=period,
        )

    def _named(self, word: str) -> str:
        return self._names[word[1:-1]] if word.startswith("{") else word

    def _budget(self, topic: sns.Topic) -> None:
        """Of the whole account: a tag counts only once it was activated for costs, by hand and a day later."""
        told = [
            budgets.CfnBudget.SubscriberProperty(subscription_type="SNS", address=topic.topic_arn),
        ]
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=self.stack_name,
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=self._settings.budget_usd, unit="USD"),
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        notification_type=kind, comparison_operator="GREATER_THAN", threshold=percent
                    ),
                    subscribers=told,
                )
                for kind, percent in (("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100))
            ],
        )


_COMPARISONS = {
    "GreaterThanThreshold": cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
    "GreaterThanOrEqualToThreshold": cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    "LessThanThreshold": cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
}
_MISSING = {
    "notBreaching": cloudwatch.TreatMissingData.NOT_BREACHING,
    "breaching": cloudwatch.TreatMissingData.BREACHING,
}
