"""Collections, and the records that are kept in them.

A record is what a client wrote (its draft) in an envelope that the server keeps. A collection says,
as plain data, what is particular about one kind of record; all other code takes any collection.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

from datas.domain.errors import InvalidRecord
from datas.domain.rules import MAX_INDEXED, OptionalRule, Rule, most_bytes, storable

# A draft: a NamedTuple of the fields that a client writes.
D = TypeVar("D", bound=tuple[Any, ...])

_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_PATH = re.compile(r"[a-z][a-z0-9_-]*", re.ASCII)
# The error codes `invalid-<name>` and `<name>-not-found` are taken for these.
RESERVED_NAMES = frozenset({"header", "lines", "parameter", "route", "token", "user"})
RESERVED_PATHS = frozenset({"bulk", "tokens", "users"})


class Record(NamedTuple, Generic[D]):
    """One record, as it was at one moment. Times are aware and in UTC; versions start at 1."""

    id: int
    draft: D
    date_created: datetime
    date_updated: datetime
    version: int
    owner: str | None = None


# What the server keeps of a record; a draft has no such fields.
ENVELOPE = ("id", "date_created", "date_updated", "version", "owner")


@dataclass(frozen=True)
class Collection(Generic[D]):
    """What is particular about one kind of record."""

    name: str  # `book`, in error codes and sentences
    plural: str  # `books`, in sentences and on the command line
    draft: type[D]
    rules: Mapping[str, Rule]  # one for each field of the draft
    path: str = ""  # of the route, under `/api/`; the plural if empty
    sorts: tuple[str, ...] = ("id", "date_created", "date_updated")
    search: str | None = None  # the field that `q` looks through
    unique: tuple[str, ...] = ()  # fields whose value no two records share; None is not compared
    references: Mapping[str, str] = field(default_factory=dict)  # field to the plural it refers to

    def __post_init__(self) -> None:
        indexed = {*self.sorts, *self.unique}
        rules = {name: storable(it, is_indexed=name in indexed) for name, it in self.rules.items()}
        object.__setattr__(self, "rules", rules)

    @cached_property
    def route(self) -> str:
        """The path of the collection's route, such as `/api/books`."""
        return f"/api/{self.path or self.plural}"

    @cached_property
    def title(self) -> str:
        """The name as a sentence begins with it: `Book`."""
        return self.name.replace("_", " ").capitalize()

    @cached_property
    def plural_title(self) -> str:
        """The plural as a sentence begins with it: `Books`."""
        return self.plural.replace("_", " ").capitalize()

    @cached_property
    def one(self) -> str:
        """The name with its article: `a book`, `an item`."""
        article = "an" if self.name[0] in "aeiou" else "a"
        return f"{article} {self.name.replace('_', ' ')}"

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The names of the draft's fields, in their order."""
        names: tuple[str, ...] = getattr(self.draft, "_fields", ())
        return names

    @cached_property
    def _ordered_rules(self) -> tuple[tuple[str, Rule], ...]:
        return tuple((name, self.rules[name]) for name in self.fields)

    def is_optional(self, name: str) -> bool:
        """Whether the field may be None."""
        return isinstance(self.rules.get(name), OptionalRule)

    def check(self, draft: D) -> None:
        """Raises: InvalidRecord, with the faults of all fields that have some; TypeError."""
        if not isinstance(draft, self.draft):
            wanted = self.draft.__name__
            raise TypeError(f"{self.one} is written as {wanted}(…), not as {draft!r:.80}")
        faults = {}
        for (name, rule), value in zip(self._ordered_rules, draft, strict=True):
            if found := rule(value):
                faults[name] = found
        if faults:
            raise InvalidRecord(self.name, faults)

    def check_values(self, values: Mapping[str, Any]) -> None:
        """The same for values by field name. Raises: InvalidRecord, for unknown names too."""
        faults = {}
        for name, value in values.items():
            rule = self.rules.get(name)
            if rule is None:
                faults[name] = [f"is no field of {self.one}; leave it out."]
            elif found := rule(value):
                faults[name] = found
        if faults:
            raise InvalidRecord(self.name, faults)

    def faults(self) -> Iterator[str]:
        """What is wrong with the declaration itself, a sentence each."""
        here = f"The collection {self.plural}"
        if not _NAME.fullmatch(self.name) or self.name in RESERVED_NAMES:
            yield f"{here} can't have the name {self.name!r}: choose another word of a-z and _."
        if not _NAME.fullmatch(self.plural):
            yield f"{here} needs a plural of a-z and _."
        path = self.path or self.plural
        if not _PATH.fullmatch(path) or path in RESERVED_PATHS:
            yield f"{here} can't have the path {path!r}: choose another word of a-z, - and _."
        if not self.fields:
            yield f"{here} needs a draft that is a NamedTuple with at least one field."
        for name in self.fields:
            if name in (*ENVELOPE, "search_key"):
                yield f"{here} can't have a field {name}: the server keeps one of that name."
            if name not in self.rules:
                yield f"{here} has no rule for its field {name}."
        for name in self.rules:
            if name not in self.fields:
                yield f"{here} has a rule for {name}, which is no field of its draft."
        yield from self._use_faults(here)

    def _use_faults(self, here: str) -> Iterator[str]:
        """What is wrong with the fields that sorts, search, unique and references name."""
        known = (*self.fields, *ENVELOPE)
        for name in self.sorts:
            if name not in known or name == "owner":
                yield f"{here} can't be sorted by {name}, which is no field of it."
            elif self.is_optional(name):
                yield f"{here} can't be sorted by {name}, which may be null."
        for name in dict.fromkeys((*self.sorts, *self.unique)):
            if name in self.rules and (size := most_bytes(self.rules[name])) > MAX_INDEXED:
                yield (
                    f"{here} can't be sorted by {name}, nor can {name} be unique: its rule allows "
                    f"{size} bytes, and an index keeps {MAX_INDEXED}. Shorten it."
                )
        used = [*self.unique, *self.references, *([self.search] if self.search else [])]
        for name in used:
            if name not in self.fields:
                yield f"{here} names {name}, which is no field of its draft."


def value_of(record: Record[Any], name: str) -> Any:
    """A field of a record, or of its draft."""
    return getattr(record if name in ENVELOPE else record.draft, name)
