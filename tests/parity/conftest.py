"""What the tests of the Flink job share: one JVM, and one generated feed with what the job makes of it."""

from collections.abc import Iterator
from datetime import date, time
from pathlib import Path
from typing import NamedTuple

import pytest

from local_dev.runtime.flink import FlinkJvm
from tests.effort import at_most
from tests.parity import hand_made
from tests.parity.flink_path import BeatingPath, Emitted, beating, emitted, write_shard
from tests.parity.generate import DAYS, generate
from tests.parity.reference import Reference, new_york_ms

CUT = (date(2013, 3, 11), date(2013, 11, 29))
"""The first session of daylight saving, and a half day."""


class Fed(NamedTuple):
    """What was sent, and the reference over the same files. `hand_made`: the hour of those records, Unix seconds."""

    path: BeatingPath
    reference: Reference
    shard: Path
    hand_made: int


def feed(folder: Path, seed: int, *, frame: int, decisions: float, bursts: int = 6) -> Fed:
    """A generated feed as the shard of a stream carries it, with repeated and broken records, and those by hand."""
    days = at_most(DAYS, CUT)
    generated = generate(folder / "feed", seed, days=days, bursts=bursts)
    path = beating(generated.files, seed, frame=frame, decisions=decisions)
    assert path.framer.counts["late"] > 0
    assert path.beats > 10
    start = new_york_ms(days[0], time(1)) // 1000
    assert write_shard(folder / "shard", path.frames, seed, before=hand_made.records(start)) > 10
    return Fed(path, Reference(generated.files), folder / "shard", start)


@pytest.fixture(scope="package")
def jvm() -> Iterator[FlinkJvm]:
    with FlinkJvm() as jvm:
        yield jvm


@pytest.fixture(scope="package")
def fed(tmp_path_factory: pytest.TempPathFactory) -> Fed:
    return feed(tmp_path_factory.mktemp("fed"), 31, frame=40, decisions=0.5)


@pytest.fixture(scope="package")
def made(jvm: FlinkJvm, fed: Fed, tmp_path_factory: pytest.TempPathFactory) -> Emitted:
    """By the job in streaming mode."""
    return emitted(jvm, fed.shard, tmp_path_factory.mktemp("made") / "out")
