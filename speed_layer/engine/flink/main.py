"""Entry point of the Flink application: tables, then the one INSERT of bars.sql.

Imports the standard library and pyflink.table alone.

The service hands its property groups over as a file: `trades` and `bars` are options of the Kinesis connector, `job`
says how many shards the trades stream has. Everything else that the service rules it also sets: parallelism,
checkpoints, restarts.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Protocol

HERE = Path(__file__).parent
PROPERTIES = Path("/etc/flink/application_properties.json")
TIMEFRAMES = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60}
"""Timeframe -> minutes, in rank order; those of shared/bars/windows.py, which the service does not have."""
LOGIC = "bars"
UTC = {"UTC", "Etc/UTC", "GMT", "Z"}
POSITION = "source.init.position"
BEGINNINGS = {"TRIM_HORIZON", "AT_TIMESTAMP"}
"""Where the connector may begin to read. Alone it begins at LATEST: what waits in the stream would never be read."""

Options = Mapping[str, str]


class Session(Protocol):
    """Where SQL is run: PyFlink's TableEnvironment, or one like it."""

    def execute_sql(self, statement: str) -> object:
        """Run a statement; an INSERT is submitted and not waited for."""
        ...


class WrongProperties(ValueError):
    """The application's properties and what it runs on do not fit; the message says which."""


def statements(tables: str, source: Options, sink: Options) -> Iterator[str]:
    """Every statement of the job, in order. `tables`: the SQL file that says where parts and records lie."""
    values = {"source": _options(source), "sink": _options(sink)}
    for name in ("schema", tables, LOGIC):
        for statement in _split((HERE / f"{name}.sql").read_text(encoding="utf-8")):
            for of_timeframe in _repeated(statement):
                yield Template(of_timeframe).substitute(values)


def _split(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return [statement.strip() for statement in "\n".join(lines).split(";") if statement.strip()]


def _repeated(statement: str) -> Iterator[str]:
    """A statement about `${tf}` once for each timeframe."""
    if "${tf}" not in statement:
        yield statement
        return
    for rank, (timeframe, minutes) in enumerate(TIMEFRAMES.items(), start=1):
        yield Template(statement).safe_substitute(tf=timeframe, rank=rank, minutes=minutes)


def _options(options: Options) -> str:
    """Options of a connector as SQL writes them; quotes in values are doubled."""
    return ",\n  ".join(f"'{name}' = '{value.replace(QUOTE, 2 * QUOTE)}'" for name, value in options.items())


QUOTE = "'"


def property_groups(file: Path = PROPERTIES) -> dict[str, dict[str, str]]:
    """The groups that the service hands over, by name."""
    groups = json.loads(file.read_text(encoding="utf-8"))
    return {group["PropertyGroupId"]: group["PropertyMap"] for group in groups}


def check(shards: int, parallelism: int, zone: str, source: Options) -> None:
    """Raises WrongProperties unless each subtask has one shard, windows are cut in UTC, and reading has a beginning.

    The watermark is the least of a subtask's records, not of its shards': with two shards in one a bar can vanish
    without a word, and a subtask that has none holds every window open for ever.
    """
    if parallelism != shards:
        raise WrongProperties(f"parallelism must equal the shards of the trades stream, was {parallelism} for {shards}")
    if zone not in UTC:
        raise WrongProperties(f"table.local-time-zone must be UTC, was {zone}")
    if (begins := source.get(POSITION, "LATEST")) not in BEGINNINGS:
        raise WrongProperties(f"{POSITION} of trades must be TRIM_HORIZON or AT_TIMESTAMP, was {begins}")


def run(session: Session, tables: str, source: Options, sink: Options) -> object:
    """Submit the job; what the session says of its INSERT."""
    result: object = None
    for statement in statements(tables, source, sink):
        result = session.execute_sql(statement)
    return result


def main() -> None:
    """On the service. The job goes on after this has returned."""
    from pyflink.table import EnvironmentSettings, TableEnvironment  # noqa: PLC0415 -- there is one on the service only

    groups = property_groups()
    session = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    config = session.get_config()
    parallelism = int(config.get("parallelism.default", "1"))
    check(int(groups["job"]["shards"]), parallelism, config.get_local_timezone(), groups["trades"])
    run(session, "kinesis", groups["trades"], groups["bars"])


if __name__ == "__main__":
    main()
