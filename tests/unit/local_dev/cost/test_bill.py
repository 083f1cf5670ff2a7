"""Bills of small templates, each line reckoned by hand; what has no price is never left out."""

from typing import Any

import pytest

from local_dev.cost.bill import PRICED, NoPriceError, bill_of
from local_dev.cost.budget import differences, refusal
from local_dev.cost.callers import NobodyCallsError
from local_dev.cost.free import FREE
from local_dev.cost.functions import sampled
from local_dev.cost.line import Line
from local_dev.cost.load import Load
from local_dev.cost.prices import prices
from tests.unit.local_dev.cost.templates import assembly, schedule

LOAD = Load()
NAT = {"Type": "AWS::EC2::NatGateway", "Properties": {}}


def lines(load: Load = LOAD, **stacks: dict[str, Any]) -> list[Line]:
    return list(bill_of(assembly(**stacks), load, prices()).lines)


def dollars(load: Load = LOAD, **stacks: dict[str, Any]) -> dict[str, float]:
    """By what is counted, without what the ingester costs."""
    own = {line.counted for line in lines()}
    return {line.counted: line.dollars for line in lines(load, **stacks) if line.counted not in own}


def test_a_type_without_a_price_is_refused_by_name() -> None:
    with pytest.raises(NoPriceError, match=r"no price known for AWS::EC2::Instance \(network Bastion\)"):
        lines(network={"Bastion": {"Type": "AWS::EC2::Instance"}})


def test_no_type_is_both_priced_and_free_and_each_free_one_has_a_reason() -> None:
    assert PRICED.keys() & FREE.keys() == set()
    assert [kind for kind, why in FREE.items() if len(why) < 10] == []


def test_an_ingester_that_no_clock_stops_costs_every_hour() -> None:
    found = {line.counted: line.dollars for line in lines()}
    assert found["processors of service"] == pytest.approx(730 * 0.03238)
    assert found["memory of service"] == pytest.approx(730 * 2 * 0.003556)
    assert found["public address of a service"] == pytest.approx(3.65)


def test_a_nat_gateway_costs_what_the_published_tables_say() -> None:
    assert dollars(network={"Nat": NAT}) == {"NAT gateway": pytest.approx(32.85)}


def test_an_interface_endpoint_is_paid_for_in_each_zone_and_a_gateway_is_free() -> None:
    subnets = {"VpcEndpointType": "Interface", "SubnetIds": ["a", "b"]}
    endpoint = {"Type": "AWS::EC2::VPCEndpoint", "Properties": subnets}
    assert dollars(network={"One": endpoint}) == {"interface endpoint": pytest.approx(14.60)}
    assert (
        dollars(network={"One": {"Type": "AWS::EC2::VPCEndpoint", "Properties": {"VpcEndpointType": "Gateway"}}}) == {}
    )


def flink(parallelism: int, per_unit: int, **more: Any) -> dict[str, Any]:
    parallel = {"Parallelism": parallelism, "ParallelismPerKPU": per_unit}
    held = {"FlinkApplicationConfiguration": {"ParallelismConfiguration": parallel}}
    application = {
        "Type": "AWS::KinesisAnalyticsV2::Application", "Properties": {"ApplicationConfiguration": held},
    }  # fmt: skip
    return {"Application": application, **more}


def test_flink_day_and_night_costs_what_the_published_tables_say() -> None:
    found = dollars(flink=flink(2, 2))
    assert sum(found.values()) == pytest.approx(165.6, abs=0.1)


def test_flink_has_a_unit_for_each_share_of_its_subtasks_and_one_more() -> None:
    assert "3 + 1 units" in dollars(flink=flink(5, 2))


def test_flink_by_the_clock_costs_the_hours_of_its_weekdays() -> None:
    start = schedule("30 3 ? * MON-FRI *", "kinesisanalyticsv2:startApplication", {"Ref": "Application"})
    stop = schedule("30 20 ? * MON-FRI *", "kinesisanalyticsv2:stopApplication", {"Ref": "Application"})
    found = dollars(flink=flink(2, 2, Start=start, Stop=stop))
    assert found["1 + 1 units"] == pytest.approx(17 * 261 / 12 * 0.22)


def test_streams_are_paid_for_by_shard_hours_or_by_what_goes_through() -> None:
    stream = {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 2}}
    assert dollars(speed={"Trades": stream})["2 shards"] == pytest.approx(21.90)
    on_demand = {"Type": "AWS::Kinesis::Stream", "Properties": {"StreamModeDetails": {"StreamMode": "ON_DEMAND"}}}
    assert dollars(speed={"Trades": on_demand})["stream on demand"] == pytest.approx(29.20)
    longer = {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 2, "RetentionPeriodHours": 168}}
    assert dollars(speed={"Trades": longer})["kept longer"] == pytest.approx(29.20)


def test_a_stream_a_table_or_a_bucket_without_a_load_is_refused() -> None:
    for kind in ("AWS::Kinesis::Stream", "AWS::DynamoDB::Table", "AWS::S3::Bucket"):
        with pytest.raises(ValueError, match=r"no load known for the \w+ speed Quotes"):
            lines(speed={"Quotes": {"Type": kind, "Properties": {"BillingMode": "PAY_PER_REQUEST"}}})


def test_a_function_that_nobody_calls_is_refused() -> None:
    with pytest.raises(NobodyCallsError, match="nothing in the templates calls speed Lonely"):
        lines(speed={"Lonely": {"Type": "AWS::Lambda::Function", "Properties": {}}})


def reader(window: float, memory: int = 512, batch: int = 500) -> dict[str, Any]:
    mapping = {
        "EventSourceArn": {"Fn::GetAtt": ["Trades", "Arn"]},
        "FunctionName": {"Ref": "Reader"},
        "BatchSize": batch,
        "MaximumBatchingWindowInSeconds": window,
    }
    function = {"MemorySize": memory, "Architectures": ["arm64"], "TracingConfig": {"Mode": "Active"}}
    return {
        "Trades": {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 2}},
        "Reader": {"Type": "AWS::Lambda::Function", "Properties": function},
        "Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": mapping},
    }


def test_a_reader_without_a_window_is_called_once_a_second_for_each_shard() -> None:
    found = dollars(speed=reader(0))
    calls = 2 * 730 * 3600 / 1e6
    assert found["calls"] == pytest.approx(calls * 0.20, rel=0.001)
    traces = 730 * 3600 * (1 + 1 / 20) / 1e6
    assert found["traces of functions"] == pytest.approx(traces * 5, rel=0.001)


def test_a_longer_window_means_fewer_calls_until_batches_are_full() -> None:
    second, minute = dollars(speed=reader(0))["calls"], dollars(speed=reader(60, batch=10_000))["calls"]
    assert minute < second / 20
    assert dollars(speed=reader(60, batch=20))["calls"] > dollars(speed=reader(60, batch=10_000))["calls"] * 10


def test_memory_is_paid_for_by_its_size_and_time() -> None:
    at_rest = Load(trades_a_day=500)  # heartbeats only: 30 ms a call
    found = dollars(at_rest, speed=reader(0, memory=1024))
    assert found["memory, arm"] == pytest.approx(2 * 730 * 3600 * 0.030 * 13.3334 / 1e6, rel=0.001)


def test_one_call_a_second_is_traced_and_a_twentieth_of_the_others() -> None:
    assert [sampled(rate) for rate in (0, 0.5, 1, 21)] == [0, 0.5, 1, 2]


def database(**scaling: float) -> dict[str, Any]:
    cluster = {"ServerlessV2ScalingConfiguration": {"MaxCapacity": 4, **scaling}, "ManageMasterUserPassword": True}
    writer = {"DBInstanceClass": "db.serverless", "DBClusterIdentifier": {"Ref": "Cluster"}}
    return {
        "Cluster": {"Type": "AWS::RDS::DBCluster", "Properties": cluster},
        "Writer": {"Type": "AWS::RDS::DBInstance", "Properties": writer},
    }


def test_a_database_that_may_sleep_is_awake_while_it_is_asked() -> None:
    awake_h = (251 * 16 - 2 * 3) / 12  # two half days in 2026, each three hours shorter
    found = dollars(database=database(MinCapacity=0))
    assert found[f"{awake_h:.0f} h awake"] == pytest.approx(awake_h * 0.75 * 0.12)
    assert dollars(Load(api_requests=0), database=database(MinCapacity=0))["0 h awake"] == 0
    assert dollars(database=database(MinCapacity=1))["730 h awake"] == pytest.approx(730 * 0.12)


def test_a_cache_has_a_floor_and_only_an_engine_with_a_price() -> None:
    def cache(engine: str) -> dict[str, Any]:
        return {"Cache": {"Type": "AWS::ElastiCache::ServerlessCache", "Properties": {"Engine": engine}}}

    empty = Load(cache_gb=0)
    assert dollars(empty, speed=cache("valkey"))["valkey, 0.1 GB"] == pytest.approx(6.13, abs=0.005)
    with pytest.raises(ValueError, match="no price known for the cache engine 'redis'"):
        lines(speed=cache("redis"))


def test_a_function_is_called_by_clocks_topics_and_alarms() -> None:
    function = {"Type": "AWS::Lambda::Function", "Properties": {}}
    clock = {
        "Type": "AWS::Events::Rule",
        "Properties": {"ScheduleExpression": "rate(1 minute)", "Targets": [{"Arn": {"Fn::GetAtt": ["Tick", "Arn"]}}]},
    }
    alarm = {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmActions": [{"Fn::GetAtt": ["Stop", "Arn"]}],
            "MetricName": "Errors",
            "Namespace": "AWS/Lambda",
        },
    }
    found = lines(monitoring={"Tick": function, "Minute": clock, "Stop": function, "Alarm": alarm})
    calls = {line.resource: line.quantity for line in found if line.counted == "calls"}
    assert calls == {"Tick": pytest.approx(525_600 / 12 / 1e6), "Stop": pytest.approx(LOAD.events_a_month / 1e6)}


def test_an_alarm_costs_by_its_metrics_and_its_own_metrics_by_their_number() -> None:
    def alarm(namespace: str, name: str, period: int = 60) -> dict[str, Any]:
        properties = {"Namespace": namespace, "MetricName": name, "Period": period}
        return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}

    held = {
        "One": alarm("AWS/Lambda", "Errors"),
        "Two": alarm("Condvest", "Late"),
        "Three": alarm("Condvest", "Late"),
        "Four": alarm("Condvest", "Lag", period=10),
    }
    found = [line for line in lines(monitoring=held) if line.service == "CloudWatch"]
    assert sum(line.dollars for line in found if line.counted == "alarms") == pytest.approx(3 * 0.10 + 0.30)
    assert [line.dollars for line in found if line.counted == "metrics of our own"] == [pytest.approx(2 * 0.30)]
    more = lines(Load(custom_metrics=40), monitoring=held)
    assert next(line for line in more if line.counted == "metrics of our own").dollars == pytest.approx(12)


def test_what_costs_more_than_was_published_is_refused_with_its_dollars() -> None:
    bill = bill_of(assembly(), LOAD, prices())
    published = bill.by_service
    with_nat = bill_of(assembly(network={"Nat": NAT}), LOAD, prices())
    assert refusal("lean", bill, published) == ""
    assert refusal("lean", with_nat, published) == (
        "lean costs $32.85 a month more than docs/cost.md says, now $84.65 under the target of $150: "
        "network VPC: +$32.85 a month (NAT gateway $32.85)"
    )
    assert refusal("lean", bill, with_nat.by_service) == ""
    assert list(differences(bill, with_nat.by_service)) == ["network VPC: -$32.85 a month (nothing)"]
