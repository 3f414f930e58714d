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
        param = parameter(database.peewee)
        columns = (Row.actor, Row.key, Row.fingerprint, Row.date_created, Row.answer)
        this = (Row.actor == param) & (Row.key == param)
        oldest = (
            Row.select(Row.actor, Row.key)
            .where(Row.date_created <= param)
            .order_by(Row.date_created)
            .limit(param)
        )
        queries = {
            "claim": Row.insert(dict.fromkeys(columns, param))
            .on_conflict(
                conflict_target=[Row.actor, Row.key],
                preserve=[Row.fingerprint, Row.date_created, Row.answer],
                where=Row.date_created <= param,
            )
            .returning(Row.key),
            "get": Row.select(*columns[2:]).where(this),
            "complete": Row.update({Row.answer: param}).where(this),
            "purge": Row.delete().where(
                peewee.Tuple(Row.actor, Row.key).in_(database.engine.skipping_locked(oldest))
            ),
        }
        self._statements = {
            name: compiled(database.peewee, query) for name, query in queries.items()
        }

    def claim(self, record: KeptAnswer, expired: datetime) -> bool:
        actor, key, fingerprint, created, answer = record
        values = (actor, key, fingerprint, _to_text(created), answer, _to_text(expired))
        return bool(self._database.write(self._statements["claim"], *values))

    def get(self, actor: str, key: str) -> KeptAnswer:
        [row] = self._database.read(self._statements["get"], actor, key)
        fingerprint, created, answer = row
        return KeptAnswer(actor, key, bytes(fingerprint), _to_time(created), bytes(answer))

    def complete(self, record: KeptAnswer) -> None:
        values = (record.answer, record.actor, record.key)
        self._database.write(self._statements["complete"], *values)

    def purge(self, expired: datetime, limit: int) -> None:
        self._database.write(self._statements["purge"], _to_text(expired), limit)
