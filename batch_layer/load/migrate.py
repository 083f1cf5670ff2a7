"""The schema, from the ordered files of shared/stores/schema: each applied once, none ever changed."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from shared.errors import PermanentError
from shared.stores import schema

if TYPE_CHECKING:
    from psycopg import Connection

MIGRATE_S = 60.0
"""Budget of all that is missing, from an empty database on."""
LOCK = 0x636F6E64
"""Key of the advisory lock: one migration at a time in a database."""
_NAME = re.compile(r"\d{4}_[a-z_]+\.sql")


class Migration(NamedTuple):
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(folder: Path = schema.FOLDER) -> Iterator[Migration]:
    """The files in order. Raises PermanentError for a name that has no place in it."""
    for path in sorted(folder.glob("*.sql")):
        if not _NAME.fullmatch(path.name):
            raise PermanentError(f"a migration is named NNNN_what.sql, was {path.name}")
        yield Migration(path.name, path.read_text())


def migrate(connection: "Connection", folder: Path = schema.FOLDER) -> list[str]:
    """Apply what is missing, all or nothing; the names applied. Waits for a migration that is under way.

    Raises PermanentError when a file that was applied has changed, is gone, or would come after a later one.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations"
            " (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        applied: dict[str, str] = dict(connection.execute("SELECT name, checksum FROM schema_migrations").fetchall())
        found = list(migrations(folder))
        _refuse_changes(found, applied)
        missing = [migration for migration in found if migration.name not in applied]
        for migration in missing:
            connection.execute(migration.sql.encode())  # bytes: the text of a file, without parameters
            connection.execute(
                "INSERT INTO schema_migrations (name, checksum) VALUES (%s, %s)", (migration.name, migration.checksum)
            )
    return [migration.name for migration in missing]


def _refuse_changes(found: list[Migration], applied: dict[str, str]) -> None:
    checksums = {migration.name: migration.checksum for migration in found}
    for name, checksum in sorted(applied.items()):
        if name not in checksums:
            raise PermanentError(f"{name} was applied to this database and is not among the migrations: older code?")
        if checksums[name] != checksum:
            raise PermanentError(f"{name} was changed after it was applied: add a migration instead")
    late = [name for name in checksums if name not in applied and applied and name < max(applied)]
    if late:
        raise PermanentError(
            f"{late[0]} comes before {max(applied)}, which was applied already: give it a later number"
        )
