"""The schema brought up to date, as the role that owns it: called by `bootstrap` when a deployment changes the schema.

A Lambda function inside the VPC. Done again it does nothing; two at once take turns.
"""

import time
from collections.abc import Callable
from typing import Any

from batch_layer.load.migrate import MIGRATE_S, migrate
from shared import settings
from shared.errors import StoreUnavailable
from shared.stores.postgres import Postgres, PostgresSettings

PAUSES_S = (1.0, 4.0, 15.0, 30.0)
"""Before each further try: a cluster that has paused needs a quarter of a minute to come back."""


def bring_up_to_date(postgres: Postgres, sleep: Callable[[float], None] = time.sleep) -> list[str]:
    """The migrations that were missing, by name.

    Raises StoreUnavailable when no try succeeded, PermanentError for a database of other code.
    """
    for pause in PAUSES_S:
        try:
            return postgres.run(migrate, MIGRATE_S)
        except StoreUnavailable:
            sleep(pause)
    return postgres.run(migrate, MIGRATE_S)


def lambda_handler(event: object, context: object) -> dict[str, Any]:
    """Trigger: a synchronous call, whatever it holds."""
    postgres = Postgres(settings.read(PostgresSettings))
    try:
        return {"applied": bring_up_to_date(postgres)}
    finally:
        postgres.close()
