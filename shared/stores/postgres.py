"""One PostgreSQL connection a process, with deadlines on our side.

A server that stalls keeps its sockets open and its kernel answers for it, so no setting of the server or of TCP ends
the wait: a watchdog shuts our end of the connection when a statement has had its time. The driver is imported by the
first connection only: whoever never asks does not wait for it.
"""

import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

import msgspec

from shared.errors import CondvestError, InvalidRecord, PermanentError, StoreUnavailable
from shared.stores import certificates
from shared.stores.breaker import Breaker

if TYPE_CHECKING:
    import psycopg

CONNECT_TIMEOUT_S = 2
"""The least that the driver allows."""
BUDGET_S = 2.0
"""Of one read."""
TOKEN_S = 900
"""An IAM token opens connections for 15 minutes; one that is open stays so."""
REPEATABLE = ("40P01", "40001", "57P01", "57P02", "57P03", "57P05", "25006")
"""SQLSTATE of deadlock, lost serialisation, shut down, crashed, starting, idle too long; still connected to a former
writer."""
LATER = ("08", "53", "57", "42P01")
"""Beginnings of SQLSTATE: connection, too many connections or too little room, cancelled; no schema applied yet."""
R = TypeVar("R")


class PostgresSettings(msgspec.Struct, frozen=True):
    """Environment. Either `postgres_conninfo` as it is (one machine), or host, port, database and user of a cluster on
    AWS: then TLS, the server's name checked against the certificates in the file `postgres_ca` (default: the roots of
    RDS that come with this code), and an IAM token."""

    postgres_conninfo: str = ""
    postgres_host: str = ""
    postgres_port: int = 5432
    postgres_database: str = "condvest"
    postgres_user: str = ""
    postgres_ca: str = ""


class Postgres:
    """A connection made on first use and again after it was lost. Threads take turns.

    `settings`: or a conninfo. Everything raises DatabaseUnavailable when the server does not answer in time or cannot
    take it now, InvalidRecord for a value that it can never take, PermanentError for a statement that is wrong. With a
    `breaker` a server that was unavailable is not asked again while it is open.
    """

    def __init__(
        self, settings: PostgresSettings | str, budget_s: float = BUDGET_S, breaker: Breaker | None = None
    ) -> None:
        self._settings = PostgresSettings(postgres_conninfo=settings) if isinstance(settings, str) else settings
        self._budget_s = budget_s
        self._breaker = breaker
        self._turn = threading.RLock()
        self.answered: bool | None = None
        """Whether it did when it was asked last; None before."""
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def rows(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a read, which is repeated once when the connection that was open turns out to be closed."""

        def read(connection: "psycopg.Connection[tuple[Any, ...]]") -> list[tuple[Any, ...]]:
            return connection.execute(query.encode(), parameters, binary=True).fetchall()

        with self._guarded():
            kept = self._connection is not None
            try:
                return self._run(read, self._budget_s)
            except (ConnectionLost, Interrupted):
                if not kept:
                    raise
                return self._run(read, self._budget_s)

    def run(self, work: Callable[["psycopg.Connection[tuple[Any, ...]]"], R], budget_s: float | None = None) -> R:
        """What `work` makes of the connection, all of it within the budget; what it leaves open is rolled back.

        The connection commits each statement outside of `transaction()`.
        """
        with self._guarded():
            return self._run(work, self._budget_s if budget_s is None else budget_s)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """A turn with the server, unless it was unavailable a moment ago."""
        with self._turn:
            if self._breaker is not None and self._breaker.is_open:
                raise DatabaseUnavailable("PostgreSQL was unavailable a moment ago")
            try:
                yield
            except DatabaseUnavailable:
                self.answered = False
                if self._breaker is not None:
                    self._breaker.failed()
                raise
            self.answered = True

    def _run(self, work: Callable[["psycopg.Connection[tuple[Any, ...]]"], R], budget_s: float) -> R:
        connection = self._open()
        watchdog = _Watchdog(connection, budget_s)
        try:
            with _translated(watchdog), watchdog:
                return work(connection)
        except Interrupted:  # a deadlock leaves it usable, a former writer does not
            self.close()
            raise
        finally:
            if watchdog.bit or connection.closed or connection.info.transaction_status:  # not idle: left open
                self.close()

    def close(self) -> None:
        """The next use connects again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _open(self) -> "psycopg.Connection[tuple[Any, ...]]":
        if self._connection is None or self._connection.closed:
            import psycopg  # noqa: PLC0415  (a tenth of a second that only those pay who ask)

            with _translated():
                self._connection = psycopg.connect(self._conninfo(), autocommit=True, connect_timeout=CONNECT_TIMEOUT_S)
        return self._connection

    def _conninfo(self) -> str:
        chosen = self._settings
        if chosen.postgres_conninfo:
            return chosen.postgres_conninfo
        from psycopg.conninfo import make_conninfo  # noqa: PLC0415  (as above)

        return make_conninfo(
            host=chosen.postgres_host,
            port=chosen.postgres_port,
            dbname=chosen.postgres_database,
            user=chosen.postgres_user,
            password=iam_token(chosen.postgres_host, chosen.postgres_port, chosen.postgres_user),
            sslmode="verify-full",
            sslrootcert=chosen.postgres_ca or str(certificates.RDS),
        )


class DatabaseUnavailable(StoreUnavailable):
    """It is paused, away, out of connections or too slow: it takes longer than a table to be there again."""


class ConnectionLost(DatabaseUnavailable):
    """The connection is gone, and nothing says whether the last statement was done: what may be repeated, may."""


class Interrupted(DatabaseUnavailable):
    """The server undid the transaction, for another's sake or because it goes away: all of it may be repeated."""


class _Watchdog:
    """Shuts the connection down when the time is over: whoever waits for it is woken by an error."""

    def __init__(self, connection: "psycopg.Connection[Any]", budget_s: float) -> None:
        self.bit = False
        self.budget_s = budget_s
        self._socket = socket.socket(fileno=os.dup(connection.fileno()))  # ours: no other file can get its number
        self._timer = threading.Timer(budget_s, self._bite)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()
        self._timer.join()
        self._socket.close()

    def _bite(self) -> None:
        self.bit = True
        with suppress(OSError):  # it is gone already
            self._socket.shutdown(socket.SHUT_RDWR)


@contextmanager
def _translated(watchdog: _Watchdog | None = None) -> Iterator[None]:
    """The driver's errors as ours."""
    import psycopg  # noqa: PLC0415  (there already: a connection is open or about to be)

    try:
        yield
    except psycopg.Error as error:
        raise _ours(error, watchdog) from error


def _ours(error: "psycopg.Error", watchdog: _Watchdog | None) -> CondvestError:
    from psycopg import DataError, InterfaceError, OperationalError  # noqa: PLC0415  (as above)

    state = error.sqlstate or ""
    if watchdog is not None and watchdog.bit:
        return DatabaseUnavailable(f"PostgreSQL did not answer within {watchdog.budget_s} s")
    if state.startswith(REPEATABLE):
        return Interrupted(f"PostgreSQL: {error}")
    if state.startswith(LATER):
        return DatabaseUnavailable(f"PostgreSQL: {error}")
    if isinstance(error, DataError):
        return InvalidRecord("value", f"PostgreSQL cannot take it: {error}")
    if not state and isinstance(error, InterfaceError | OperationalError):
        return ConnectionLost(f"PostgreSQL: {error}")
    return PermanentError(f"PostgreSQL: {error}")


def iam_token(host: str, port: int, user: str) -> str:
    """A password for an IAM user of a cluster: a request signed here, without a call to anyone.

    Raises DatabaseUnavailable where this process has no AWS credentials to sign with.
    """
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415  (only on AWS)
    from botocore.model import ServiceId  # noqa: PLC0415  (as above)
    from botocore.session import get_session  # noqa: PLC0415  (as above)
    from botocore.signers import RequestSigner  # noqa: PLC0415  (as above)

    session = get_session()
    region, query = session.get_config_variable("region"), urlencode({"Action": "connect", "DBUser": user})
    try:
        signer = RequestSigner(
            ServiceId("rds-db"),
            region,
            "rds-db",
            "v4",
            session.get_credentials(),
            session.get_component("event_emitter"),
        )
        signed: str = signer.generate_presigned_url(
            {"method": "GET", "url": f"https://{host}:{port}/?{query}", "body": {}, "headers": {}, "context": {}},
            operation_name="connect",
            expires_in=TOKEN_S,
            region_name=region,
        )
    except BotoCoreError as error:
        raise DatabaseUnavailable(f"no token for PostgreSQL: {error}") from error
    return signed.removeprefix("https://")
