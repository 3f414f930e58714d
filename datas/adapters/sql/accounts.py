"""Users, tokens and failed attempts, in the tables `users`, `tokens` and `attempts`.

Peewee builds each query when it is used. Only what every request with a token runs is compiled
once.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import peewee

from datas.adapters.sql.database import Rows, SqlDatabase
from datas.adapters.sql.queries import compiled, parameter
from datas.adapters.sql.tables import AttemptRow, IdempotencyRow, TokenRow, UserRow
from datas.domain.credentials import Attempt, Purpose, Token, User
from datas.domain.errors import Unauthenticated, UsernameTaken, UserOwnsRecords

_to_time: Any = UserRow.date_joined.python_value


class _Tables:
    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    def _read(self, query: peewee.Query) -> Rows:
        return self._database.read(*self._bound(query))

    def _write(self, query: peewee.Query) -> Rows:
        return self._database.write(*self._bound(query))

    def _bound(self, query: peewee.Query) -> tuple[Any, ...]:
        sql, values = self._database.peewee.get_sql_context().sql(query).query()
        return sql, *values


class SqlUsers(_Tables):
    """The `Users` port over one database."""

    def add(self, username: str, password_hash: str, now: datetime) -> User:
        row = {"username": username, "date_joined": now, "password_hash": password_hash}
        # DO NOTHING returns no row: a taken name is no error, and breaks no transaction.
        insert = UserRow.insert(row).returning(UserRow.id)
        rows = self._write(insert.on_conflict(action="NOTHING", conflict_target=[UserRow.username]))
        if not rows:
            raise UsernameTaken(username)
        return User(rows[0][0], username, now, password_hash)

    def get(self, username: str) -> User | None:
        rows = self._read(UserRow.select().where(UserRow.username == username))
        return _user(*rows[0]) if rows else None

    def all(self) -> Sequence[User]:
        rows = self._read(UserRow.select().order_by(UserRow.username))
        return [_user(*row) for row in rows]

    def set_password(self, username: str, password_hash: str) -> None:
        update = UserRow.update({UserRow.password_hash: password_hash})
        self._write(update.where(UserRow.username == username))

    def swap_password(self, username: str, before: str, after: str) -> bool:
        found = (UserRow.username == username) & (UserRow.password_hash == before)
        update = UserRow.update({UserRow.password_hash: after}).where(found)
        return bool(self._write(update.returning(UserRow.id)))

    def remove(self, username: str) -> None:
        with self._database.atomic():
            self._write(IdempotencyRow.delete().where(IdempotencyRow.actor == username))
            try:
                # Foreign keys delete the tokens, and refuse a user who owns records.
                self._write(UserRow.delete().where(UserRow.username == username))
            except self._database.integrity_error:
                raise UserOwnsRecords(username) from None


class SqlTokens(_Tables):
    """The `Tokens` port over one database."""

    def __init__(self, database: SqlDatabase) -> None:
        super().__init__(database)
        of_digest = TokenRow.digest == parameter(database.peewee)
        self._find = compiled(database.peewee, TokenRow.select().where(of_digest))

    def add(self, token: Token, digest: bytes) -> Token:
        row = token._asdict() | {"digest": digest}
        del row["id"]
        try:
            [(token_id,)] = self._write(TokenRow.insert(row).returning(TokenRow.id))
        except self._database.integrity_error:
            # Only the foreign key can fail: no two digests are the same.
            raise Unauthenticated(no_user=token.username) from None
        return token._replace(id=token_id)

    def find(self, digest: bytes) -> Token | None:
        rows = self._database.read(self._find, digest)
        return _token(rows[0]) if rows else None

    def get(self, username: str, token_id: int) -> Token | None:
        of_id = (TokenRow.username == username) & (TokenRow.id == token_id)
        rows = self._read(TokenRow.select().where(of_id))
        return _token(rows[0]) if rows else None

    def newest(self, username: str, limit: int) -> Sequence[Token]:
        tokens = TokenRow.select().where(TokenRow.username == username)
        rows = self._read(tokens.order_by(TokenRow.id.desc()).limit(limit))
        return [_token(row) for row in reversed(rows)]

    def keep_newest(self, username: str, limit: int) -> None:
        ids = TokenRow.select(TokenRow.id).where(TokenRow.username == username)
        newest_deleted = ids.order_by(TokenRow.id.desc()).limit(1).offset(limit)
        self._delete(username, TokenRow.id <= newest_deleted)

    def revoke(self, username: str, token_id: int) -> bool:
        return self._delete(username, TokenRow.id == token_id)

    def revoke_others(self, username: str, token_id: int | None) -> None:
        # No token has the id 0, while to SQL nothing is unequal to NULL.
        self._delete(username, TokenRow.id != (token_id or 0))

    def purge(self, username: str, expired: datetime) -> None:
        self._delete(username, TokenRow.date_expires <= expired)

    def _delete(self, username: str, where: Any) -> bool:
        """Whether there was a token to delete."""
        delete = TokenRow.delete().where((TokenRow.username == username) & where)
        return bool(self._write(delete.returning(TokenRow.id)))


class SqlAttempts(_Tables):
    """The `Attempts` port over one database."""

    def recent(
        self, username: str, purpose: Purpose, since: datetime, until: datetime, limit: int
    ) -> Sequence[Attempt]:
        of_user = (AttemptRow.username == username) & (AttemptRow.purpose == purpose)
        within = (AttemptRow.date > since) & (AttemptRow.date <= until)
        attempts = AttemptRow.select().where(of_user & within)
        newest = attempts.order_by(AttemptRow.date.desc(), AttemptRow.id.desc())
        return [_attempt(row) for row in self._read(newest.limit(limit))]

    def add(self, attempt: Attempt) -> None:
        self._write(AttemptRow.insert(attempt._asdict()))

    def clear(self, attempt: Attempt) -> None:
        row = AttemptRow
        same = (row.username == attempt.username) & (row.purpose == attempt.purpose)
        self._write(row.delete().where(same & (row.address == attempt.address)))

    def clear_all(self, username: str) -> None:
        self._write(AttemptRow.delete().where(AttemptRow.username == username))

    def purge(self, before: datetime, after: datetime, limit: int) -> None:
        # Each runs along the index of dates, from one of its ends.
        for where in (AttemptRow.date < before, AttemptRow.date > after):
            ids = AttemptRow.select(AttemptRow.id).where(where)
            found = ids.order_by(AttemptRow.date).limit(limit)
            skipping = self._database.engine.skipping_locked(found)
            self._write(AttemptRow.delete().where(AttemptRow.id.in_(skipping)))


def _user(user_id: int, username: str, joined: str, password_hash: str) -> User:
    return User(user_id, username, _to_time(joined), password_hash)


def _token(row: tuple[Any, ...]) -> Token:
    token_id, username, _, label, created, expires = row
    return Token(token_id, username, label, _to_time(created), _to_time(expires))


def _attempt(row: tuple[Any, ...]) -> Attempt:
    _, username, purpose, address, date = row
    return Attempt(username, Purpose(purpose), address, _to_time(date))
