"""All problems, from the table `problems.toml` beside this file."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A kind of error (RFC 9457), and the texts of its page."""

    code: str
    status: int
    title: str
    meaning: str
    cause: str
    server: str = ""
    fails: str = ""
    mended: str
    reference: Mapping[str, str]  # title and url

    def at(self, url: str) -> Self:
        """The problem with examples for the server at this address."""
        examples = {
            name: getattr(self, name).replace("{url}", url)
            for name in ("server", "fails", "mended")
        }
        return replace(self, **examples)


def _read() -> dict[str, Problem]:
    table = tomllib.loads(Path(__file__).with_name("problems.toml").read_text(encoding="utf-8"))
    return {code: Problem(code=code, **fields) for code, fields in table.items()}


PROBLEMS = _read()
