"""The settings: `DATAS_*` from the environment, read once into a frozen dataclass."""

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from functools import partial
from typing import Any, cast

from environs import Env, EnvValidationError
from marshmallow import ValidationError
from marshmallow.validate import OneOf, Range

from datas.domain.access import Mode

PREFIX = "DATAS_"
LEVELS = ("debug", "info", "warning", "error")  # of the log

_ANY_CASE = re.IGNORECASE | re.ASCII
_HOST = r"([a-z0-9._-]+|\[[0-9a-f:.]+\])"


class InvalidSettings(Exception):
    """Some settings can't be used. `faults` says what is wrong, by the name of the variable."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("\n".join(f"{name}: {text}" for name, text in faults.items()))
        self.faults = faults


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


def _setting(default: object, parse: Callable[..., object], allowed: str = "") -> Any:
    """A field. `parse` takes a reader of variables, a name and the default.

    `allowed` says what a value must be, where the parser's own message does not.
    """
    return field(default=default, metadata={"parse": parse, "allowed": allowed})


def _text(default: str, validate: Callable[[str], None] | None = None) -> Any:
    return _setting(default, partial(Env.str, validate=validate))


def _choice(default: str, *choices: str) -> Any:
    parse = partial(Env.str, validate=OneOf([*choices, default]))
    return _setting(default, parse, f"one of: {', '.join(choices)}")


def _number(default: int, minimum: int, maximum: int) -> Any:
    parse = partial(Env.int, validate=Range(minimum, maximum))
    return _setting(default, parse, f"a whole number from {minimum} to {maximum}")


def _flag(*, default: bool) -> Any:
    return _setting(default, Env.bool, "one of: true, false")


def _texts(validate: Callable[[list[str]], None], convert: Callable[[str], str] = str) -> Any:
    def parse(env: Env, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(convert, env.list(name, default, subcast=str, validate=validate) or ()))

    return _setting((), parse)


@dataclass(frozen=True)
class Settings:
    """The settings of a server. Each field is the variable `DATAS_` + its name."""

    database_url: str = _text("sqlite:///datas.db", _database_url)
    access: str = _choice("authenticated", *Mode)
    registration: str = _choice("closed", "closed", "open")
    token_days: int = _number(30, 1, 36_500)
    bulk_lines: int = _number(10_000, 1, 1_000_000)  # other writers wait for one bulk request
    collections: str = _text("")  # items
    allowed_hosts: tuple[str, ...] = _texts(_hosts)
    cors_origins: tuple[str, ...] = _texts(_origins, _as_browsers_send)
    trusted_proxies: int = _number(0, 0, 100)
    auto_migrate: bool = _flag(default=True)
    console: bool = _flag(default=True)
    explain: bool = _flag(default=False)
    metrics: bool = _flag(default=False)
    log_level: str = _choice("info", *LEVELS)
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
        for name, value in options.items():
            if value is not None:
                os.environ[PREFIX + name.upper()] = value
        for name in variable_names():
            if name in os.environ:
                os.environ[name] = os.environ[name].strip()
        env = Env(eager=False)
        with env.prefixed(PREFIX):
            values = {
                each.name: each.metadata["parse"](env, each.name.upper(), each.default)
                for each in fields(cls)
            }
            env.str("COLLECTIONS", cls.collections, validate=_loadable(load))
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
    return [_variable(it) for it in fields(Settings)]


def _variable(of: "Field[Any]") -> str:
    return PREFIX + of.name.upper()


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
    [allowed] = [it.metadata["allowed"] for it in fields(Settings) if _variable(it) == name]
    if allowed:
        return f"{os.environ[name]!r} can't be used. It must be {allowed}."
    return " ".join(messages)
