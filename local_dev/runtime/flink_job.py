"""The Flink job on the emulator's streams, by the connector that the service runs too.

`python -m local_dev.runtime.flink_job CONNECTOR URL TRADES BARS PORT` runs it until it is stopped; Flink's own REST
interface answers at PORT.
"""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local_dev.runtime.deploy import CREDENTIALS, clients
from local_dev.runtime.flink import FlinkJvm, Job
from local_dev.runtime.servers import LOOPBACK
from speed_layer.engine.flink.main import POSITION, check, run

PLAIN = ("-Daws.cborEnabled=false",)
"""Options of Java: the emulator answers in JSON alone."""
SETTINGS = {"execution.checkpointing.interval": "1 s", "metrics.fetcher.update-interval": "200"}
LOOK_S = 0.5


def start(jvm: FlinkJvm, kinesis: Any, url: str, *, trades: str, bars: str, port: int = 0) -> Job:
    """Submit the job that reads stream `trades` from its oldest record on and writes to `bars`, a subtask a shard.

    Raises FlinkFailed, and what `kinesis` (of boto3) raises.
    """
    described = {
        name: kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"] for name in (trades, bars)
    }
    shards = int(described[trades]["OpenShardCount"])
    session = jvm.session(parallelism=shards, more={**SETTINGS, **_listening(port)})
    source = _options(described[trades]["StreamARN"], url, {POSITION: "TRIM_HORIZON"})
    check(shards, shards, session.zone, source)
    sink = _options(described[bars]["StreamARN"], url, {"aws.http.protocol.version": "HTTP1_1"})
    job = run(session, "kinesis", source, sink)
    if not isinstance(job, Job):
        raise TypeError("bars.sql must end in its INSERT")
    return job


def _listening(port: int) -> dict[str, str]:
    return {
        "rest.bind-port": str(port),
        "rest.port": str(port),
        "rest.bind-address": LOOPBACK,
        "rest.address": LOOPBACK,
    }


def _options(arn: str, url: str, more: Mapping[str, str]) -> dict[str, str]:
    """Of the connector: a stream of the emulator at `url`, without TLS."""
    return {
        "stream.arn": arn,
        "aws.region": CREDENTIALS["AWS_REGION"],
        "aws.endpoint": url,
        "aws.credentials.provider": "BASIC",
        "aws.credentials.basic.accesskeyid": CREDENTIALS["AWS_ACCESS_KEY_ID"],
        "aws.credentials.basic.secretkey": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        **more,
    }


def jvm(connector: Path) -> FlinkJvm:
    """A Java process that can run it."""
    return FlinkJvm(jars=(connector,), options=PLAIN)


def main(connector: str, url: str, trades: str, bars: str, port: str) -> int:
    """1 when the job has ended, which it never does by itself."""
    with jvm(Path(connector)) as java:
        job = start(java, clients(url)("kinesis"), url, trades=trades, bars=bars, port=int(port))
        while not job.is_over:
            time.sleep(LOOK_S)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
