"""All problems that an app can answer with, from the table `problems.toml` beside this file."""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from datas.http.schemas import RecordBody

_TABLE = Path(__file__).with_name("problems.toml")
# One of these keeps nearly every rule, and is not the rule's example.
_OTHER_VALUES = (
    "good bye",
    *(1, 2, 0, False, Decimal(1), Decimal(0), ("blue",), ()),
    *(date(2027, 1, 1), datetime(2027, 1, 1, tzinfo=UTC)),
)


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
        return replace(self, **_filled(asdict(self), {"url": url}))


def read_problems(
    bodies: Sequence[RecordBody[Any]], more: Path | None = None
) -> Mapping[str, Problem]:
    """The problems of an app that serves these collections, by code.

    `more` is a table of a package's own. A text that is about any collection speaks of the only
    one, or of records; its examples use the first.
    """
    table = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    if more is not None:
        table |= tomllib.loads(more.read_text(encoding="utf-8"))
    general = _words(bodies[0], bodies)
    if len(bodies) > 1:
        general |= {"name": "record", "one": "a record", "plural": "records"}
    problems = {}
    for code, entry in table.items():
        needed = entry.pop("if", None)
        about = [general]
        if needed or "{name}" in code:
            able = [body for body in bodies if not needed or getattr(body.collection, needed)]
            about = [_words(body, bodies) for body in able]
        # A code without a name stands for the first collection that can answer so.
        for words in about if "{name}" in code else about[:1]:
            problem = Problem(**_filled(entry | {"code": code}, words))
            problems[problem.code] = problem
    return problems


def problem_faults(
    bodies: Sequence[RecordBody[Any]], more: Path | None, resources: Sequence[object]
) -> Iterator[str]:
    """What is wrong with a package's own table, and which problems resources name in vain."""
    try:
        known = read_problems(bodies, more)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        yield f"The problems in {more} can't be read: {error}."
        return
    for problem in known.values():
        if not {"title", "url"} <= problem.reference.keys():
            yield f"The problem {problem.code} needs reference.title and reference.url."
    for resource in resources:
        operations = getattr(resource, "operations", None)
        for each in operations.values() if isinstance(operations, Mapping) else ():
            for code in {*each.problems} - known.keys():
                yield f"The operation {each.id} names the problem {code}, which is in no table."


def fill(text: str, words: Mapping[str, str]) -> str:
    """The text with a value in the place of each `{word}`."""
    for word, value in words.items():
        text = text.replace(f"{{{word}}}", value)
    return text


def _filled(entry: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: fill(text, words) if isinstance(text, str) else text for name, text in entry.items()
    }


def _words(body: RecordBody[Any], bodies: Sequence[RecordBody[Any]]) -> dict[str, str]:
    """The words of a collection. Examples are JSON."""
    collection, draft = body.collection, body.example()
    whole = draft | {
        name: value for name in collection.unique if (value := body.fields[name].example)
    }
    words = {
        "name": collection.name.replace("_", " "),
        "one": collection.one,
        "plural": collection.plural.replace("_", " "),
        "fields": ", ".join(f"`{name}`" for name in collection.fields),
        "path": collection.route,
        "misspelt": collection.route[:-1],
        "draft": _json(draft),
        "misquoted": _json(draft).replace('"', "'"),
        "changed": _json(_changed(body, draft)),
        "whole": _json(whole),
        "changed_whole": _json(_changed(body, whole)),
    }
    for field, plural in list(collection.references.items())[:1]:
        [target] = [each for each in bodies if each.collection.plural == plural]
        words |= {
            "referring": _json(draft | {field: 1}),
            "target_draft": _json(target.example()),
            "target_path": target.collection.route,
        }
    return words


def _changed(body: RecordBody[Any], example: Mapping[str, Any]) -> dict[str, Any]:
    """An example with other values, where the rules allow one of ours."""
    changed = dict(example)
    for name, before in example.items():
        field = body.fields[name]
        allowed = (value for value in _OTHER_VALUES if not field.rule(value))
        others = (value for value in map(field.to_json, allowed) if value != before)
        changed[name] = next(others, before)
    return changed


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
