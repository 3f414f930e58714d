"""What a check looks at, and what it finds."""

import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property, partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from datas.bootstrap import database_file, inspect_database
from datas.cli.settings import refusals
from datas.settings import Settings

if TYPE_CHECKING:
    from datas.adapters.sql.inspect import Facts


class Sign(StrEnum):
    """How a finding is marked."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


class Finding(NamedTuple):
    """What was found, and what to do: a command, or a setting."""

    sign: Sign
    text: str
    remedy: str = ""


Findings = Iterator[Finding]
warning, fault = partial(Finding, Sign.WARNING), partial(Finding, Sign.FAULT)


class UnreadError(Exception):
    """There is nothing for a check to look at; where there should be, `database` says so."""


@dataclass(frozen=True)
class Case:
    """A service, as it is started. `asked`: the command line itself names the access mode."""

    settings: Settings
    bind: str = "127.0.0.1:8000"
    workers: int = 1
    asked: bool = False
    backups: Path | None = None
    mistakes: tuple[Finding, ...] = ()
    at: datetime | None = None

    @property
    def now(self) -> datetime:
        """What this machine's clock says."""
        return self.at or datetime.now(UTC)

    @property
    def file(self) -> Path:
        """The database's file. Raises: UnreadError, if there is none."""
        file = database_file(self.settings.database_url)
        if not file or not os.path.isfile(file):  # noqa: PTH113 (no is no, whatever the reason)
            raise UnreadError
        return Path(os.path.realpath(file))

    @property
    def facts(self) -> "Facts":
        """What is true of the database. Raises: UnreadError."""
        if isinstance(self.found, str):
            raise UnreadError
        return self.found

    @property
    def server(self) -> Mapping[str, str]:
        """How PostgreSQL is set up. Raises: UnreadError, if that isn't where items are."""
        if database_file(self.settings.database_url):
            raise UnreadError
        return self.facts.settings

    @cached_property
    def found(self) -> "Facts | str":
        """What is true of the database, or why it can't be read."""
        url = self.settings.database_url
        try:
            with refusals(url):
                return inspect_database(url)
        except (click.ClickException, ValueError) as error:
            return " ".join(str(error).split())

    @property
    def host(self) -> IPv4Address | IPv6Address | None:
        """The address that the server listens at; None, if a name says which."""
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
        """Whether others may reach it, if only through a proxy."""
        names = {*self.settings.allowed_hosts} - {"localhost", "127.0.0.1", "[::1]"}
        return self.is_public or bool(names) or self.settings.trusted_proxies > 0


def quoted(path: Path) -> str:
    """A path for a shell."""
    return shlex.quote(str(path))
