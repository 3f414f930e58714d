"""What the servers of a run serve: items, by a clock that the run can move.

`DATAS_COLLECTIONS=tests.prove.app:PACKAGE`. The file that `PROVE_CLOCK` names says by how many
seconds the clock is off; an absent one: by none. `PROVE_PLANT` names a fault that the checker must
find: it changes an adapter before it is built.
"""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from datas import bootstrap
from datas.adapters.sql import sqlite
from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.repository import SqlRepository
from datas.adapters.sql.tables import Tables
from datas.adapters.system import SystemClock
from datas.database_urls import open_database
from datas.domain.records import Collection, Record
from datas.served import DATAS_ITEMS

_CLOCK = Path(os.environ.get("PROVE_CLOCK", "no-clock"))


class MovedClock(SystemClock):
    def now(self) -> datetime:
        try:
            offset = float(_CLOCK.read_text() or 0)
        except FileNotFoundError:
            offset = 0
        return datetime.now(UTC) + timedelta(seconds=offset)


class ReadsFromStandby(SqlRepository[Any]):
    """Reads a record where it may not have arrived yet."""

    def __init__(self, database: SqlDatabase, collection: Collection[Any], tables: Tables) -> None:
        super().__init__(database, collection, tables)
        standby = open_database(os.environ["PROVE_STANDBY"], tables, auto_migrate=False)
        self._standby = SqlRepository[Any](standby, collection, tables)

    def get(self, record_id: int) -> Record[Any]:
        return self._standby.get(record_id)


def _plant_a_careless_disk() -> None:
    # An acknowledged write may be in memory alone.
    sqlite._PRAGMAS["synchronous"] = "normal"  # noqa: SLF001


def _plant_reads_from_a_standby() -> None:
    bootstrap.SqlRepository = ReadsFromStandby  # type: ignore[attr-defined]


PLANTS: Mapping[str, Callable[[], None]] = {
    "synchronous=NORMAL": _plant_a_careless_disk,
    "standby": _plant_reads_from_a_standby,
}

# The composition root builds an app with these.
bootstrap.SystemClock = MovedClock  # type: ignore[attr-defined]
if _plant := os.environ.get("PROVE_PLANT"):
    PLANTS[_plant]()
PACKAGE = DATAS_ITEMS
