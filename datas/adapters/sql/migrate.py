"""The schema's migrations: which there are, and bringing a database up to date."""

from dataclasses import dataclass
from pathlib import Path

import peewee
from playhouse.migrations import Runner

from datas.domain.errors import StorageUnavailable

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True)
class SchemaStatus:
    """Names of migrations: done, still to do, and done by a newer Datas than this one."""

    applied: list[str]
    pending: list[str]
    unknown: list[str]


class Schema:
    """The schema of one database."""

    def __init__(self, database: peewee.Database) -> None:
        self._runner = Runner(database, str(MIGRATIONS))

    def names(self) -> list[str]:
        """All migrations that this code has, oldest first."""
        return [migration.name for migration in self._runner.migrations()]

    def status(self) -> SchemaStatus:
        """Compare the migrations that this code has with those that the database has seen."""
        rows = self._runner.status()
        return SchemaStatus(
            applied=[row.name for row in rows if row.applied and row.path],
            pending=[row.name for row in rows if not row.applied],
            unknown=[row.name for row in rows if not row.path],
        )

    def check(self) -> None:
        """Raises: StorageUnavailable, if this code and the database don't fit each other."""
        status = self.status()
        if status.unknown:
            raise StorageUnavailable(
                f"The database was written by a newer Datas (it has {', '.join(status.unknown)}). "
                "Run that version, or restore a backup made before it."
            )
        if status.pending:
            raise StorageUnavailable(
                f"The database's schema is behind (it lacks {', '.join(status.pending)}). "
                "Run `datas migrate`."
            )

    def migrate(self, name: str) -> list[str]:
        """Apply what is pending up to `name`, in a transaction; return what it was, if anything.

        Only one process may do this at a time: the caller holds the database's lock.
        """
        applied: list[str] = self._runner.up(name)
        return applied
