"""What a check examines, and what it finds."""

import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import NamedTuple

import click

from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.migrate import SchemaStatus
from datas.adapters.sql.tables import all_tables
from datas.cli.settings import refusals
from datas.database_urls import database_file, open_database
from datas.domain.errors import StorageUnavailable
from datas.served import load_package
from datas.settings import Settings


class Finding(NamedTuple):
    """What was found, and how to repair it: a command or a setting."""

    severity: str  # ok, warning or fault
    text: str
    remedy: str = ""


Findings = Iterator[Finding]
ok, warning, fault = (partial(Finding, severity) for severity in ("ok", "warning", "fault"))


class NotApplicableError(Exception):
    """A check has nothing to examine. If that is a fault, `database` reports it."""


@dataclass(frozen=True)
class Context:
    """A service as it is started."""

    settings: Settings
    bind: str
    explicit_access: bool  # the command line names the access mode
    mistakes: Mapping[str, str] = field(default_factory=dict)  # by the variable of a setting
    backups: Path | None = None

    @property
    def file(self) -> Path:
        """The database's file, without links. Raises: NotApplicableError, if there is none."""
        file = database_file(self.settings.database_url)
        if not file or not os.path.isfile(file):  # noqa: PTH113 (False for whatever reason)
            raise NotApplicableError
        return Path(os.path.realpath(file))

    @cached_property
    def schema(self) -> SchemaStatus | str:
        """The database's migrations, or why they can't be read."""
        url, package = self.settings.database_url, load_package(self.settings.collections)
        parts = package.tables, package.histories, package.other_tables
        try:
            with refusals(url):
                return inspect_schema(open_database(url, *parts, read_only=True))
        except (click.ClickException, ValueError) as error:
            return " ".join(str(error).split())

    def require_schema(self) -> SchemaStatus:
        """Raises: NotApplicableError, if the schema can't be read."""
        if isinstance(self.schema, str):
            raise NotApplicableError
        return self.schema

    @property
    def host(self) -> IPv4Address | IPv6Address | None:
        """The address that the server listens on; None for a host name."""
        host = self.bind.rpartition(":")[0].strip("[]")
        try:
            return ip_address("127.0.0.1" if host == "localhost" else host)
        except ValueError:
            return None

    @property
    def is_public(self) -> bool:
        """Whether other machines may reach the server itself."""
        return self.host is None or not self.host.is_loopback

    @property
    def is_served(self) -> bool:
        """Whether others may reach the server, directly or through a proxy."""
        names = {*self.settings.allowed_hosts} - {"localhost", "127.0.0.1", "[::1]"}
        return self.is_public or bool(names) or self.settings.trusted_proxies > 0


Check = Callable[[Context], Findings]


def inspect_schema(database: SqlDatabase) -> SchemaStatus:
    """The schema of a database; its connection is closed. Raises: StorageUnavailable."""
    errors: tuple[type[Exception], ...] = (*database.engine.errors, TypeError, ValueError)
    try:
        status = database.schema_status()
        tables = database.table_names()
    except errors as error:
        reason = f"It isn't as Datas makes its databases ({error})."
        raise StorageUnavailable(reason) from error
    finally:
        database.close()
    if not status.applied and tables:
        raise StorageUnavailable("Its tables aren't those that Datas makes.")
    every = all_tables(database.tables, database.other_tables)
    names = {table._meta.table_name for table in every}  # noqa: SLF001 (Peewee's documented name)
    if not status.pending and (missing := names - tables):
        raise StorageUnavailable(f"It lacks the table {min(missing)}.")
    return status


def quoted(path: Path) -> str:
    return shlex.quote(str(path))
