"""What the Flink job refuses to start with. What it computes: tests/parity."""

import pytest

from speed_layer.engine.flink.main import HERE, WrongProperties, check

OLDEST = {"source.init.position": "TRIM_HORIZON"}


def test_a_shard_a_subtask_in_utc_from_the_oldest_record_on_is_right() -> None:
    check(3, 3, "UTC", OLDEST)
    check(1, 1, "Etc/UTC", {"source.init.position": "AT_TIMESTAMP", "source.init.timestamp": "2026-11-02T09:00:00Z"})


@pytest.mark.parametrize("parallelism", [1, 2, 4])
def test_another_number_of_subtasks_than_of_shards_is_refused(parallelism: int) -> None:
    with pytest.raises(WrongProperties, match=f"parallelism must equal the shards .* was {parallelism} for 3"):
        check(3, parallelism, "UTC", OLDEST)


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/London", ""])
def test_windows_of_another_zone_are_refused(zone: str) -> None:
    with pytest.raises(WrongProperties, match="must be UTC"):
        check(1, 1, zone, OLDEST)


@pytest.mark.fault("F66")
@pytest.mark.parametrize(
    "source", [{"source.init.position": "LATEST"}, {}, {"source.init.position": "latest"}], ids=str
)
def test_a_job_that_would_begin_at_the_latest_record_does_not_start(source: dict[str, str]) -> None:
    """Without a word the connector begins there."""
    with pytest.raises(WrongProperties, match="must be TRIM_HORIZON or AT_TIMESTAMP"):
        check(1, 1, "UTC", source)


@pytest.mark.fault("F66")
def test_no_table_of_the_job_begins_at_the_latest_record() -> None:
    tables = {file.name: file.read_text() for file in HERE.glob("*.sql")}
    assert {"kinesis.sql", "files.sql", "batch.sql"} < tables.keys()
    assert [name for name, text in tables.items() if "'LATEST'" in text] == []
