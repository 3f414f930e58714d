"""The settings: `DATAS_*` from the environment, read once into a frozen dataclass."""

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from datas.domain.access import Mode

PREFIX = "DATAS_"

_ANY_CASE = re.IGNORECASE | re.ASCII
_HOST = r"([a-z0-9._-]+|\[[0-9a-f:.]+\])"
_FLAGS = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0"), False),
}


class InvalidSettings(Exception):
    """Some settings can't be used: a line for each variable."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("\n".join(f"{name}: {text}" for name, text in faults.items()))


def _host(value: str) -> str:
    if not re.fullmatch(_HOST, value, _ANY_CASE):
        raise ValueError(
            f"{value!r} is no host name. Write it without scheme, port and path: api.example."
        )
    return value


def _origin(value: str) -> str:
    """As browsers send it: in lower case, without the scheme's default port (RFC 6454 §6.2)."""
    if value != "*" and not re.fullmatch(rf"https?://{_HOST}(:[0-9]+)?", value, _ANY_CASE):
        raise ValueError(
            f"{value!r} is no origin. Write scheme and host as browsers send them, and nothing "
            "behind, not even a slash: https://app.example."
        )
    origin = value.lower()
    return origin.removesuffix(":443" if origin.startswith("https:") else ":80")


def _database_url(value: str) -> str:
    if value.startswith(("postgresql://", "postgres://")):
        return value
    if not value.startswith("sqlite:///") or value in ("sqlite:///", "sqlite:///:memory:"):
        # The rest may hold a password.
        kind = value if value.startswith("sqlite:") else value.partition(":")[0]
        raise ValueError(
            f"{kind!r} is no database that Datas knows. Name a file: sqlite:///datas.db for one "
            "in the current folder, sqlite:////var/lib/datas.db for one anywhere; or a PostgreSQL: "
            "postgresql://user:password@host/name."
        )
    return value


def _setting(default: object, parse: Callable[[str], object], allowed: str = "") -> Any:
    """A field. `parse` raises ValueError or KeyError for what can't be used.

    `allowed` says what a value must be, where the error does not.
    """
    return field(default=default, metadata={"parse": parse, "allowed": allowed})


def _choice(default: str, *choices: str) -> Any:
    known = {choice: choice for choice in (*choices, default)}
    return _setting(default, known.__getitem__, f"one of: {', '.join(choices)}")


def _number(default: int, minimum: int, maximum: int) -> Any:
    def parse(text: str) -> int:
        if not minimum <= (number := int(text)) <= maximum:
            raise ValueError(text)
        return number

    return _setting(default, parse, f"a whole number from {minimum} to {maximum}")


def _texts(parse: Callable[[str], str]) -> Any:
    return _setting((), lambda text: tuple(map(parse, text.split(","))) if text else ())


def _flag(*, default: bool) -> Any:
    return _setting(default, lambda text: _FLAGS[text.lower()], "one of: true, false")


@dataclass(frozen=True)
class Settings:
    """The settings of a server. Each field is the variable `DATAS_` + its name."""

    database_url: str = _setting("sqlite:///datas.db", _database_url)
    access: str = _choice("authenticated", *Mode)
    registration: str = _choice("closed", "closed", "open")
    token_days: int = _number(30, 1, 36_500)
    bulk_lines: int = _number(10_000, 1, 1_000_000)  # other writers wait for one bulk request
    collections: str = _setting("", str)  # items
    allowed_hosts: tuple[str, ...] = _texts(_host)
    cors_origins: tuple[str, ...] = _texts(_origin)
    trusted_proxies: int = _number(0, 0, 100)
    auto_migrate: bool = _flag(default=True)
    console: bool = _flag(default=True)
    explain: bool = _flag(default=False)
    metrics: bool = _flag(default=False)
    log_level: str = _choice("info", "debug", "info", "warning", "error")
    log_format: str = _choice("", "json", "text")  # "": text if standard error is a terminal
    drain_seconds: int = _number(2, 0, 600)

    @classmethod
    def read(cls, load: Callable[[str], object] = str, /, **options: str | None) -> "Settings":
        """Read the environment, in which each option that is not None replaces its variable.

        White space around a value is left out, also the end of a line in a file from Windows.
        Processes that are started from here find the same values in the environment. `load` raises
        ValueError for collections that can't be loaded.
        Raises: InvalidSettings, with all mistakes at once.
        """
        settings, faults = cls.read_with_faults(load, **options)
        if faults:
            raise InvalidSettings(faults)
        return settings

    @classmethod
    def read_with_faults(
        cls, load: Callable[[str], object] = str, /, **options: str | None
    ) -> "tuple[Settings, Mapping[str, str]]":
        """Like `read`, but an invalid value is replaced by its default; with the faults."""
        for name, value in options.items():
            if value is not None:
                os.environ[PREFIX + name.upper()] = value
        values, faults = dict[str, Any](), dict[str, str]()
        for each, variable in zip(fields(cls), variable_names(), strict=True):
            if variable not in os.environ:
                continue
            text = os.environ[variable] = os.environ[variable].strip()
            try:
                if each.name == "collections":
                    load(text)
                values[each.name] = each.metadata["parse"](text)
            except (KeyError, ValueError) as error:
                must_be = f"{text!r} can't be used. It must be {each.metadata['allowed']}."
                faults[variable] = must_be if each.metadata["allowed"] else str(error)
        return cls(**values), faults


def variable_names() -> list[str]:
    """The names of all settings, as the environment spells them."""
    return [PREFIX + each.name.upper() for each in fields(Settings)]


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
