"""Every problem that an answer can have: one table, in `problems.toml` beside this file."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A kind of error (RFC 9457): what `type`, `status` and `title` say of it, and its page."""

    code: str
    status: int
    title: str
    meaning: str
    cause: str
    server: str = ""
    fails: str = ""
    mended: str
    reference: Mapping[str, str]  # title and url


def _read() -> dict[str, Problem]:
    table = tomllib.loads(Path(__file__).with_name("problems.toml").read_text(encoding="utf-8"))
    return {code: Problem(code=code, **fields) for code, fields in table.items()}


PROBLEMS = _read()
