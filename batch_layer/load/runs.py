"""Units of work that are done: a unit is marked in the transaction that did it, so it is done exactly once."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg import Connection


def finished(connection: "Connection", job: str) -> set[str]:
    """Units of a job that are done."""
    return {unit for (unit,) in connection.execute("SELECT unit FROM runs WHERE job = %s", (job,)).fetchall()}


def finish(connection: "Connection", job: str, unit: str, detail: Mapping[str, object]) -> bool:
    """Mark a unit done; `detail`: what came of it, for people. False when another run was first: roll back.

    Another run at the same unit waits here for the end of ours.
    """
    cursor = connection.execute(
        "INSERT INTO runs (job, unit, detail) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (job, unit, json.dumps(detail)),
    )
    return cursor.rowcount == 1
