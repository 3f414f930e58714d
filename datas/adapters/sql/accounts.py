"""Users, tokens and failed attempts, in the tables `users`, `tokens` and `attempts`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import peewee

from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.queries import Statement, parameter
from datas.adapters.sql.tables import AttemptRow, IdempotencyRow, TokenRow, UserRow
from datas.domain.credentials import Attempt, Purpose, Token, User
from datas.domain.errors import Unauthenticated, UsernameTaken, UserOwnsRecords

_USER = (UserRow.id, UserRow.username, UserRow.date_joined, UserRow.password_hash)
_TOKEN = (
    TokenRow.id,
    TokenRow.username,
    TokenRow.label,
    TokenRow.date_created,
    TokenRow.date_expires,
)
_ATTEMPT = (AttemptRow.username, AttemptRow.purpose, AttemptRow.address, AttemptRow.date)
_to_text: Any = UserRow.date_joined.db_value
_to_time: Any = UserRow.date_joined.python_value


class SqlUsers:
    """The `Users` port over one database."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database
        param = parameter(database.peewee)
        by_name = UserRow.username == param
        users = UserRow.select(*_USER)
        # DO NOTHING returns no row: a taken name is no error, and breaks no transaction.
        add = UserRow.insert(dict.fromkeys(_USER[1:], param)).returning(UserRow.id)
        add = add.on_conflict(action="NOTHING", conflict_target=[UserRow.username])
        self._statements = _compile(
            database,
            add=add,
            get=users.where(by_name),
            all=users.order_by(UserRow.username),
            set_password=UserRow.update({UserRow.password_hash: param}).where(by_name),
            swap_password=UserRow.update({UserRow.password_hash: param})
            .where(by_name & (UserRow.password_hash == param))
            .returning(UserRow.id),
            remove=UserRow.delete().where(by_name),
            forget=IdempotencyRow.delete().where(IdempotencyRow.actor == param),
        )

    def add(self, username: str, password_hash: str, now: datetime) -> User:
        """INSERT … ON CONFLICT DO NOTHING, or raise UsernameTaken."""
        values = (username, _to_text(now), password_hash)
        rows = self._database.write(self._statements["add"], *values)
        if not rows:
            raise UsernameTaken(username)
        return User(rows[0][0], username, now, password_hash)

    def get(self, username: str) -> User | None:
        """Select by the name's index."""
        rows = self._database.read(self._statements["get"], username)
        return _user(*rows[0]) if rows else None

    def all(self) -> Sequence[User]:
        """Select by name."""
        return [_user(*row) for row in self._database.read(self._statements["all"])]

    def set_password(self, username: str, password_hash: str) -> None:
        """UPDATE the hash."""
        self._database.write(self._statements["set_password"], password_hash, username)

    def swap_password(self, username: str, before: str, after: str) -> bool:
        """UPDATE … WHERE username = ? AND password_hash = ?"""
        return bool(
            self._database.write(self._statements["swap_password"], after, username, before)
        )

    def remove(self, username: str) -> None:
        """Delete rows. Foreign keys delete the tokens, and refuse a user who owns items."""
        with self._database.atomic():
            self._database.write(self._statements["forget"], username)
            try:
                self._database.write(self._statements["remove"], username)
            except self._database.integrity_error:
                raise UserOwnsRecords(username) from None


class SqlTokens:
    """The `Tokens` port over one database."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database
        param = parameter(database.peewee)
        columns = (_TOKEN[1], TokenRow.digest, *_TOKEN[2:])
        of_user = TokenRow.username == param
        tokens = TokenRow.select(*_TOKEN)
        of_id = of_user & (TokenRow.id == param)
        newest = tokens.where(of_user).order_by(TokenRow.id.desc())
        oldest_kept = newest.select(TokenRow.id).limit(param).offset(param)
        self._statements = _compile(
            database,
            add=TokenRow.insert(dict.fromkeys(columns, param)).returning(TokenRow.id),
            find=tokens.where(TokenRow.digest == param),
            get=tokens.where(of_id),
            newest=newest.limit(param),
            keep_newest=TokenRow.delete().where(of_user & (TokenRow.id <= oldest_kept)),
            revoke=TokenRow.delete().where(of_id).returning(TokenRow.id),
            revoke_others=TokenRow.delete().where(of_user & (TokenRow.id != param)),
            purge=TokenRow.delete().where(of_user & (TokenRow.date_expires <= param)),
        )

    def add(self, token: Token, digest: bytes) -> Token:
        """Insert a row."""
        dates = (_to_text(token.date_created), _to_text(token.date_expires))
        values = (token.username, digest, token.label, *dates)
        try:
            [(token_id,)] = self._database.write(self._statements["add"], *values)
        except self._database.integrity_error:
            # Only the foreign key can fail: no two digests are the same.
            raise Unauthenticated(no_user=token.username) from None
        return token._replace(id=token_id)

    def find(self, digest: bytes) -> Token | None:
        """Select by the index of digests: every request with a token does this."""
        rows = self._database.read(self._statements["find"], digest)
        return _token(*rows[0]) if rows else None

    def get(self, username: str, token_id: int) -> Token | None:
        """Select by the primary key."""
        rows = self._database.read(self._statements["get"], username, token_id)
        return _token(*rows[0]) if rows else None

    def newest(self, username: str, limit: int) -> Sequence[Token]:
        """Select backwards by id."""
        rows = self._database.read(self._statements["newest"], username, limit)
        return [_token(*row) for row in reversed(rows)]

    def keep_newest(self, username: str, limit: int) -> None:
        """DELETE … WHERE username = ? AND id <= (the newest that is one too many)"""
        self._database.write(self._statements["keep_newest"], username, username, 1, limit)

    def revoke(self, username: str, token_id: int) -> bool:
        """DELETE … WHERE username = ? AND id = ?"""
        return bool(self._database.write(self._statements["revoke"], username, token_id))

    def revoke_others(self, username: str, token_id: int | None) -> None:
        """DELETE … WHERE username = ? AND id != ?"""
        # No token has the id 0, while to SQL nothing is unequal to NULL.
        self._database.write(self._statements["revoke_others"], username, token_id or 0)

    def purge(self, username: str, expired: datetime) -> None:
        """DELETE … WHERE username = ? AND date_expires <= ?"""
        self._database.write(self._statements["purge"], username, _to_text(expired))


class SqlAttempts:
    """The `Attempts` port over one database."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database
        param = parameter(database.peewee)
        of_user = AttemptRow.username == param
        of_purpose = of_user & (AttemptRow.purpose == param)
        within = (AttemptRow.date > param) & (AttemptRow.date <= param)
        recent = AttemptRow.select(*_ATTEMPT).where(of_purpose & within)
        ids = AttemptRow.select(AttemptRow.id).order_by(AttemptRow.date).limit(param)
        old, ahead = ids.where(AttemptRow.date < param), ids.where(AttemptRow.date > param)
        self._statements = _compile(
            database,
            recent=recent.order_by(AttemptRow.date.desc(), AttemptRow.id.desc()).limit(param),
            add=AttemptRow.insert(dict.fromkeys(_ATTEMPT, param)),
            clear=AttemptRow.delete().where(of_purpose & (AttemptRow.address == param)),
            clear_all=AttemptRow.delete().where(of_user),
            purge_old=AttemptRow.delete().where(
                AttemptRow.id.in_(database.engine.skipping_locked(old))
            ),
            purge_ahead=AttemptRow.delete().where(
                AttemptRow.id.in_(database.engine.skipping_locked(ahead))
            ),
        )

    def recent(
        self, username: str, purpose: Purpose, since: datetime, until: datetime, limit: int
    ) -> Sequence[Attempt]:
        """Select backwards by the index of username, purpose and date."""
        values = (username, purpose.value, _to_text(since), _to_text(until), limit)
        rows = self._database.read(self._statements["recent"], *values)
        return [_attempt(*row) for row in rows]

    def add(self, attempt: Attempt) -> None:
        """Insert a row."""
        date = _to_text(attempt.date)
        values = (attempt.username, attempt.purpose.value, attempt.address, date)
        self._database.write(self._statements["add"], *values)

    def clear(self, attempt: Attempt) -> None:
        """DELETE … WHERE username = ? AND purpose = ? AND address = ?"""
        values = (attempt.username, attempt.purpose.value, attempt.address)
        self._database.write(self._statements["clear"], *values)

    def clear_all(self, username: str) -> None:
        """DELETE … WHERE username = ?"""
        self._database.write(self._statements["clear_all"], username)

    def purge(self, before: datetime, after: datetime, limit: int) -> None:
        """Delete from both ends of the index of dates."""
        self._database.write(self._statements["purge_old"], _to_text(before), limit)
        self._database.write(self._statements["purge_ahead"], _to_text(after), limit)


def _compile(database: SqlDatabase, **queries: peewee.Query) -> dict[str, Statement]:
    return {name: Statement(database.peewee, query) for name, query in queries.items()}


def _user(user_id: int, username: str, joined: str, password_hash: str) -> User:
    return User(user_id, username, _to_time(joined), password_hash)


def _token(token_id: int, username: str, label: str, created: str, expires: str) -> Token:
    return Token(token_id, username, label, _to_time(created), _to_time(expires))


def _attempt(username: str, purpose: str, address: str, date: str) -> Attempt:
    return Attempt(username, Purpose(purpose), address, _to_time(date))
