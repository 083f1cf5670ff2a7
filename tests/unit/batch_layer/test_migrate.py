import pytest

from batch_layer.migrate import PAUSES_S, bring_up_to_date, lambda_handler
from shared.errors import StoreUnavailable
from shared.stores.postgres import Postgres
from shared.stores.schema import FOLDER
from tests.fakes.postgres import empty_database

__all__ = ["empty_database"]
FILES = sorted(path.name for path in FOLDER.glob("*.sql"))
NOWHERE = "host=127.0.0.1 port=9 dbname=none connect_timeout=2"


def test_the_function_says_what_it_applied_and_applies_nothing_twice(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTGRES_CONNINFO", empty_database)
    assert lambda_handler({}, None) == {"applied": FILES}
    assert lambda_handler({}, None) == {"applied": []}


def test_a_cluster_that_has_paused_is_waited_for(empty_database: str) -> None:
    awake = Postgres(empty_database)
    slept: list[float] = []

    class Waking:
        """Refuses until it has been waited for twice."""

        def run(self, work: object, budget_s: float) -> list[str]:
            if len(slept) < 2:
                raise StoreUnavailable("PostgreSQL: resuming")
            return awake.run(work, budget_s)  # type: ignore[arg-type]  # what bring_up_to_date gives, as it is

    applied = bring_up_to_date(Waking(), slept.append)  # type: ignore[arg-type]  # the one method that is called
    awake.close()
    assert applied == FILES
    assert slept == list(PAUSES_S[:2])


def test_a_cluster_that_never_answers_is_given_up_with_its_words() -> None:
    slept: list[float] = []
    with pytest.raises(StoreUnavailable, match="PostgreSQL"):
        bring_up_to_date(Postgres(NOWHERE), slept.append)
    assert slept == list(PAUSES_S)
