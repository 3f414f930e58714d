"""The settings: `DATAS_*` from the environment, read once into a frozen dataclass."""

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, cast

from environs import Env, EnvValidationError
from marshmallow import ValidationError
from marshmallow.validate import OneOf, Range

from datas.domain.access import Mode

PREFIX = "DATAS_"
MAX_TOKEN_DAYS = 36_500
MAX_BULK_LINES = 1_000_000  # other writers wait for one bulk request, 30 s at most
MAX_PROXIES = 100
MAX_DRAIN = 600
LEVELS = ("debug", "info", "warning", "error")  # of the log

_ANY_CASE = re.IGNORECASE | re.ASCII
_HOST = r"([a-z0-9._-]+|\[[0-9a-f:.]+\])"
# What a value must be, where the parser's own message does not say it.
_ALLOWED = {
    "DATAS_ACCESS": f"one of: {', '.join(Mode)}",
    "DATAS_REGISTRATION": "one of: closed, open",
    "DATAS_TOKEN_DAYS": f"a whole number from 1 to {MAX_TOKEN_DAYS}",
    "DATAS_BULK_LINES": f"a whole number from 1 to {MAX_BULK_LINES}",
    "DATAS_TRUSTED_PROXIES": f"a whole number from 0 to {MAX_PROXIES}",
    "DATAS_AUTO_MIGRATE": "one of: true, false",
    "DATAS_CONSOLE": "one of: true, false",
    "DATAS_EXPLAIN": "one of: true, false",
    "DATAS_METRICS": "one of: true, false",
    "DATAS_LOG_LEVEL": f"one of: {', '.join(LEVELS)}",
    "DATAS_LOG_FORMAT": "one of: json, text",
    "DATAS_DRAIN_SECONDS": f"a whole number from 0 to {MAX_DRAIN}",
}


class InvalidSettings(Exception):
    """Some settings can't be used. `faults` says what is wrong, by the name of the variable."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("\n".join(f"{name}: {text}" for name, text in faults.items()))
        self.faults = faults


@dataclass(frozen=True)
class Settings:
    """The settings of a server. Each field is the variable `DATAS_` + its name."""

    database_url: str = "sqlite:///datas.db"
    access: str = "authenticated"
    registration: str = "closed"
    token_days: int = 30
    bulk_lines: int = 10_000
    collections: str = ""  # items
    allowed_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    trusted_proxies: int = 0
    auto_migrate: bool = True
    console: bool = True
    explain: bool = False
    metrics: bool = False
    log_level: str = "info"
    log_format: str = ""  # depends on whether standard error is a terminal
    drain_seconds: int = 2

    @classmethod
    def read(cls, load: Callable[[str], object] = str, /, **options: str | None) -> "Settings":
        """Read the environment, in which each option that is not None replaces its variable.

        White space around a value is left out, also the end of a line in a file from Windows.
        Processes that are started from here find the same values in the environment. `load` raises
        ValueError for collections that can't be loaded.
        Raises: InvalidSettings, with all mistakes at once.
        """
        for field, value in options.items():
            if value is not None:
                os.environ[PREFIX + field.upper()] = value
        for name in variable_names():
            if name in os.environ:
                os.environ[name] = os.environ[name].strip()
        env = Env(eager=False)
        with env.prefixed(PREFIX):
            values: dict[str, Any] = {
                "database_url": env.str(
                    "DATABASE_URL", default=cls.database_url, validate=_database_url
                ),
                "access": env.str("ACCESS", default=cls.access, validate=OneOf(list(Mode))),
                "registration": env.str(
                    "REGISTRATION", default=cls.registration, validate=OneOf(["closed", "open"])
                ),
                "token_days": env.int(
                    "TOKEN_DAYS", default=cls.token_days, validate=Range(1, MAX_TOKEN_DAYS)
                ),
                "bulk_lines": env.int(
                    "BULK_LINES", default=cls.bulk_lines, validate=Range(1, MAX_BULK_LINES)
                ),
                "collections": env.str(
                    "COLLECTIONS", default=cls.collections, validate=_loadable(load)
                ),
                "allowed_hosts": tuple(
                    env.list("ALLOWED_HOSTS", default=[], subcast=str, validate=_hosts) or ()
                ),
                "cors_origins": tuple(
                    map(
                        _as_browsers_send,
                        env.list("CORS_ORIGINS", default=[], subcast=str, validate=_origins) or (),
                    )
                ),
                "trusted_proxies": env.int(
                    "TRUSTED_PROXIES", default=cls.trusted_proxies, validate=Range(0, MAX_PROXIES)
                ),
                "auto_migrate": env.bool("AUTO_MIGRATE", default=cls.auto_migrate),
                "console": env.bool("CONSOLE", default=cls.console),
                "explain": env.bool("EXPLAIN", default=cls.explain),
                "metrics": env.bool("METRICS", default=cls.metrics),
                "log_level": env.str("LOG_LEVEL", default=cls.log_level, validate=OneOf(LEVELS)),
                "log_format": env.str(
                    "LOG_FORMAT", default=cls.log_format, validate=OneOf(["json", "text", ""])
                ),
                "drain_seconds": env.int(
                    "DRAIN_SECONDS", default=cls.drain_seconds, validate=Range(0, MAX_DRAIN)
                ),
            }
        try:
            env.seal()
        except EnvValidationError as error:
            faults = cast("dict[str, list[str]]", error.error_messages)
            described = {name: _describe(name, messages) for name, messages in faults.items()}
            raise InvalidSettings(described) from None
        return cls(**values)

    @classmethod
    def read_with_faults(
        cls, load: Callable[[str], object] = str, /, **options: str | None
    ) -> "tuple[Settings, Mapping[str, str]]":
        """Like `read`, but an invalid value is replaced by its default; with the faults."""
        try:
            return cls.read(load, **options), {}
        except InvalidSettings as error:
            for name in error.faults:
                del os.environ[name]
            return cls.read(), error.faults


def _loadable(load: Callable[[str], object]) -> Callable[[str], None]:
    def validate(name: str) -> None:
        try:
            load(name)
        except ValueError as error:
            raise ValidationError(str(error)) from error

    return validate


def variable_names() -> list[str]:
    """The names of all settings, as the environment spells them."""
    return [PREFIX + field.name.upper() for field in fields(Settings)]


def unknown_names() -> dict[str, str]:
    """The `DATAS_*` variables that are no setting, each with a sentence about it."""
    known = variable_names()
    unknown = [name for name in os.environ if name.startswith(PREFIX) and name not in known]
    return {name: _suggestion(name, known) for name in unknown}


def _suggestion(name: str, known: list[str]) -> str:
    short = [it.removeprefix(PREFIX) for it in known]
    nearest = difflib.get_close_matches(name.removeprefix(PREFIX), short, n=1)
    hint = f"Do you mean {PREFIX}{nearest[0]}?" if nearest else f"There are {', '.join(known)}."
    return f"{name} is no setting, and is ignored. {hint}"


def _describe(name: str, messages: list[str]) -> str:
    if name in _ALLOWED:
        return f"{os.environ[name]!r} can't be used. It must be {_ALLOWED[name]}."
    return " ".join(messages)


def _as_browsers_send(origin: str) -> str:
    """In lower case, without the scheme's default port (RFC 6454 §6.2)."""
    origin = origin.lower()
    default = ":443" if origin.startswith("https:") else ":80"
    return origin.removesuffix(default)


def _hosts(values: list[str]) -> None:
    for value in values:
        if not re.fullmatch(_HOST, value, _ANY_CASE):
            raise ValidationError(
                f"{value!r} is no host name. Write it without scheme, port and path: api.example."
            )


def _origins(values: list[str]) -> None:
    for value in values:
        if value != "*" and not re.fullmatch(rf"https?://{_HOST}(:[0-9]+)?", value, _ANY_CASE):
            raise ValidationError(
                f"{value!r} is no origin. Write scheme and host as browsers send them, and nothing "
                "behind, not even a slash: https://app.example."
            )
    if "*" in values and len(values) > 1:
        raise ValidationError("* stands for every origin: write it alone, or leave it out.")


def _database_url(value: str) -> None:
    if value.startswith(("postgresql://", "postgres://")):
        return
    if not value.startswith("sqlite:///") or value in ("sqlite:///", "sqlite:///:memory:"):
        # The rest may hold a password.
        kind = value if value.startswith("sqlite:") else value.partition(":")[0]
        raise ValidationError(
            f"{kind!r} is no database that Datas knows. Name a file: sqlite:///datas.db for one "
            "in the current folder, sqlite:////var/lib/datas.db for one anywhere; or a PostgreSQL: "
            "postgresql://user:password@host/name."
        )
