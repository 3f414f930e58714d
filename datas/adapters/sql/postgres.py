"""What is PostgreSQL's own: its pool, its types, who may migrate, and what its errors mean."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import peewee
import psycopg

from datas.adapters.sql.engine import Engine
from datas.adapters.sql.pool import Connection, Cursor, Pool
from datas.domain.errors import StorageUnavailable

# What a URL needn't say (https://www.postgresql.org/docs/current/libpq-connect.html).
_DEFAULTS: dict[str, str | int | None] = {
    "application_name": "datas",
    "client_encoding": "utf8",
    "connect_timeout": "2",  # seconds, for each host
}
_TEXT = 'TEXT COLLATE "C"'
_MIGRATING = 0x6461746173  # the advisory lock's number: "datas"

# Error codes (https://www.postgresql.org/docs/current/errcodes-appendix.html), or their first two
# characters, in plain words.
_LOST = (
    "The database went away. If this was to change something, it is unknown whether it did: look "
    "before you repeat it, or repeat it with the same Idempotency-Key."
)
_REASONS = {
    "25006": "The database is read-only. Nothing was changed. Its URL may name a standby alone: "
    "name the primary too, and add target_session_attrs=read-write.",
    "25P03": _LOST,
    "25P04": _LOST,
    "28": "The database refuses the user or the password that its URL names.",
    "3D000": "There is no such database on the server. Make it first: createdb.",
    "40": "Others changed the same at the same time. Nothing was changed. Try again.",
    "40003": _LOST,
    "42501": "The database's user may not do this. It needs to own the tables; or, to read and "
    "write alone, SELECT, INSERT, UPDATE and DELETE on them and USAGE on their sequences.",
    "53100": "The disk that holds the database is full. Nothing was changed.",
    "53": "The database has no room for more. Nothing was changed. Try again in a moment.",
    "55P03": "Others keep what this needs locked. Nothing was changed. Try again in a moment.",
    "57014": "The database took too long. If this was to change something, look whether it did.",
    "57": _LOST,
    "58": "The disk that holds the database fails. Nothing was changed.",
    "08": _LOST,
    "XX": "The database failed. Its log says why.",
}
# libpq takes an @ or a / in the password, if not escaped, for its end: the rest would be the
# host, the port or the name, and be shown wherever those are.
_URL = re.compile(r"\w+://([^@/?]*@)?[^@?]*(\?.*)?", re.DOTALL)
_PORTS = re.compile(r"[0-9,]*")


class _Database(peewee.PostgresqlDatabase):
    """Peewee's, with connections from a pool.

    Text sorts by code point, as in SQLite. Ids are from sequences, which never go back.
    """

    psycopg2_adapter = psycopg3_adapter = peewee.Psycopg3Adapter
    field_types = peewee.PostgresqlDatabase.field_types | {
        "AUTO": "BIGSERIAL",
        "DATETIME": _TEXT,
        "INT": "BIGINT",
        "TEXT": _TEXT,
    }

    def __init__(self, pool: Pool) -> None:
        # Whatever a role's default is: others' commits are to be seen by the next statement.
        super().__init__("postgresql", isolation_level="READ COMMITTED")
        self._pool = pool
        # Peewee connects under a lock, so that one who waits for a connection would keep others
        # from giving theirs back. All that it guards is a thread's own.
        self._lock = nullcontext()

    def _connect(self) -> Connection:
        return self._pool.take()

    def _close(self, conn: Connection) -> None:
        self._pool.give_back(conn)

    def get_binary_type(self) -> type[bytes]:
        return bytes


class PostgresEngine(Engine):
    """The `Engine` over what a libpq URL names. Raises: ValueError, if it is none."""

    errors = (psycopg.Error, peewee.DatabaseError, peewee.InterfaceError)
    integrity_error = psycopg.IntegrityError
    position = "STRPOS"
    last_id = "SELECT pg_sequence_last_value(pg_get_serial_sequence(%s, 'id'))"
    defer_references = "SET CONSTRAINTS ALL DEFERRED"
    set_last_id = (
        "SELECT setval(pg_get_serial_sequence(name, 'id'), n) "
        "FROM (VALUES (%s::bigint, %s)) AS given (n, name)"
    )

    def __init__(self, url: str) -> None:
        self._conninfo = _conninfo(url)
        self._pool = Pool(self._connect)
        self.peewee = _Database(self._pool)

    @contextmanager
    def migrating(self) -> Iterator[None]:
        # The lock is the transaction's: with pgbouncer, a session's would fail.
        with self.peewee.atomic():
            connection = self.peewee.connection()
            connection.has_timeout = False
            # A role's limits are for requests. Waiting for others, the advisory lock's owner among
            # them, has an end all the same.
            connection.execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '30s'")
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATING,))
            try:
                _refuse_without_create(connection)
                yield
            finally:
                connection.has_timeout = True

    def release(self) -> None:
        if not self.peewee.in_transaction():
            self.peewee.close()

    def close(self) -> None:
        self._pool.close()

    def skipping_locked(self, query: peewee.Select) -> peewee.Select:
        return query.for_update("FOR UPDATE SKIP LOCKED")  # type: ignore[arg-type]  # it takes text

    def locking(self, query: peewee.Select) -> peewee.Select:
        """FOR UPDATE, which a foreign key's check waits for."""
        return query.for_update()

    def can_repeat(self, error: BaseException) -> bool:
        """Whether it is a serialization failure or a deadlock: the same may go well next time."""
        return getattr(error, "sqlstate", None) in {"40001", "40P01"}

    def reason(self, error: BaseException) -> str | None:
        """By the error's code. The driver's own, that a connection is lost, have none."""
        if not isinstance(error, psycopg.Error):
            return None
        if error.sqlstate is None:
            return _LOST if isinstance(error, psycopg.OperationalError) else None
        return _REASONS.get(error.sqlstate) or _REASONS.get(error.sqlstate[:2])

    def _connect(self) -> Connection:
        connection = Connection.connect(
            self._conninfo,
            autocommit=True,
            # What one statement prepares, the next may miss: pgbouncer gives it another connection.
            prepare_threshold=None,
            cursor_factory=Cursor,
        )
        # pgbouncer takes a connection without having one itself.
        connection.execute("SELECT 1")
        encoding = connection.info.parameter_status("server_encoding")
        if encoding not in {None, "UTF8"}:
            connection.close()
            raise StorageUnavailable(
                f"The database's encoding is {encoding}, which can't keep every text. "
                "Make one with UTF8: createdb --encoding=UTF8 --template=template0."
            )
        return connection


def _refuse_without_create(connection: Connection) -> None:
    """Since PostgreSQL 15 not every user may make tables. Raises: StorageUnavailable."""
    asked = "current_user, current_schema(), has_schema_privilege(current_schema(), 'CREATE')"
    [(user, schema, may_create)] = connection.execute(f"SELECT {asked}").fetchall()
    if not may_create:
        schema = schema or "public"
        raise StorageUnavailable(
            f"The database's user {user} may not make tables in the schema {schema}. Let one who "
            f'may do so run: GRANT CREATE, USAGE ON SCHEMA "{schema}" TO "{user}"'
        )


def _conninfo(url: str) -> str:
    try:
        named = psycopg.conninfo.conninfo_to_dict(url)
        if _URL.fullmatch(url) and _PORTS.fullmatch(str(named.get("port", ""))):
            return psycopg.conninfo.make_conninfo("", **_DEFAULTS | named)
    except psycopg.Error:
        pass
    # The driver's own words, which may quote a part of the password, aren't even kept as a context.
    raise ValueError(
        "libpq can't read the database's URL. Write postgresql://USER:PASSWORD@HOST/NAME, "
        "in user and password %40 for @, %3A for :, %2F for /, %3F for ? and %25 for %, "
        "and only parameters that libpq knows."
    )
