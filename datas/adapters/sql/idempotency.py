"""Idempotency records in the table `idempotency`."""

from datetime import datetime
from typing import Any

import peewee

from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.queries import compiled, parameter
from datas.adapters.sql.tables import IdempotencyRow as Row
from datas.domain.idempotency import KeptAnswer

_to_text: Any = Row.date_created.db_value
_to_time: Any = Row.date_created.python_value


class SqlIdempotencyRecords:
    """The `IdempotencyRecords` port over one database."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database
        db, param = database.peewee, parameter(database.peewee)
        key, kept = [Row.actor, Row.key], [Row.fingerprint, Row.date_created, Row.answer]
        this = (Row.actor == param) & (Row.key == param)
        is_expired = Row.date_created <= param
        claim = Row.insert(dict.fromkeys(key + kept, param)).on_conflict(
            conflict_target=key, preserve=kept, where=is_expired
        )
        oldest = Row.select(*key).where(is_expired).order_by(Row.date_created).limit(param)
        purged = database.engine.skipping_locked(oldest)
        self._claim = compiled(db, claim.returning(Row.key))
        self._get = compiled(db, Row.select(*kept).where(this))
        self._complete = compiled(db, Row.update({Row.answer: param}).where(this))
        self._purge = compiled(db, Row.delete().where(peewee.Tuple(*key).in_(purged)))

    def claim(self, record: KeptAnswer, expired: datetime) -> KeptAnswer | None:
        actor, key, fingerprint, created, answer = record
        values = (actor, key, fingerprint, _to_text(created), answer, _to_text(expired))
        if self._database.write(self._claim, *values):
            return None
        [(fingerprint, created, answer)] = self._database.read(self._get, actor, key)
        return KeptAnswer(actor, key, bytes(fingerprint), _to_time(created), bytes(answer))

    def complete(self, record: KeptAnswer) -> None:
        self._database.write(self._complete, record.answer, record.actor, record.key)

    def purge(self, expired: datetime, limit: int) -> None:
        self._database.write(self._purge, _to_text(expired), limit)
