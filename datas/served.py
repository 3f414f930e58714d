"""What a server serves: collections, with what each looks like on the wire and in its table.

This is the one module beside `bootstrap` that knows domain, http and adapters; none of them knows
it. When an app is built, the descriptions of each collection are compared.
"""

import importlib
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from inspect import signature
from pathlib import Path
from typing import Any

from datas.adapters.sql.comparison import table_faults
from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.migrate import DATAS, History
from datas.adapters.sql.tables import ItemRow, OtherTables, RecordRow, Table, Tables
from datas.domain.access import Access
from datas.domain.items import ITEMS
from datas.domain.ports import Clock, Repository
from datas.domain.query import Filter
from datas.domain.records import Collection
from datas.domain.service import RecordService
from datas.http.items import ITEM_FILTERS, ItemSchema
from datas.http.parts import RecordParts, wire_faults
from datas.http.problems import problem_faults
from datas.http.schemas import RecordBody, RecordSchema

_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


class InvalidPackage(ValueError):
    """A package that can't be served: every mistake, a line each."""


@dataclass(frozen=True)
class Served:
    """One collection: what it is, on the wire and in its table; what a list of it can be asked.

    `resources` are of paths below a record's own: `{"loan": LoanResource}`. A service that does
    more than create, read, change and delete may need ports of its own: `{"loans": SqlLoans}` gives
    it `loans=SqlLoans(database)`, and `storage`, whose `atomic()` is the transaction of all ports.
    `other_tables` are those that such ports write.
    """

    collection: Collection[Any]
    schema: type[RecordSchema]
    table: type[RecordRow]
    filters: Mapping[str, Filter] = field(default_factory=dict)
    service: Callable[..., RecordService[Any]] = RecordService
    resources: Mapping[str, Callable[..., object]] = field(default_factory=dict)
    ports: Mapping[str, Callable[[SqlDatabase], object]] = field(default_factory=dict)
    other_tables: OtherTables = ()

    def build(
        self,
        repositories: Mapping[str, Repository[Any]],
        database: SqlDatabase,
        clock: Clock,
        access: Access,
    ) -> RecordService[Any]:
        """The service. `repositories` are those of all collections, by plural."""
        collection, own = self.collection, repositories[self.collection.plural]
        targets = {field: repositories[to] for field, to in collection.references.items()}
        ports = {name: make(database) for name, make in self.ports.items()}
        with_storage = ports and {"storage": database, **ports}
        return self.service(collection, own, clock, access, targets, **with_storage)

    def parts(self, service: RecordService[Any]) -> RecordParts[Any]:
        return RecordParts(self.collection, service, self.schema, self.filters, self.resources)

    def service_faults(self) -> Iterator[str]:
        """Whether the service takes its parts: a sentence if not."""
        ports = ("storage", *self.ports) if self.ports else ()
        try:
            signature(self.service).bind(*[None] * 5, **dict.fromkeys(ports))
        except TypeError as error:
            yield f"The service of {self.collection.plural} does not fit its ports: {error}."


@dataclass(frozen=True)
class Package:
    """The collections of one service, and the folder of the migrations that make their tables."""

    name: str
    collections: Sequence[Served]
    migrations: Path | None = None
    problems: Path | None = None

    @property
    def title(self) -> str:
        """The name as pages show it: `Library`."""
        return self.name.replace("_", " ").capitalize()

    @property
    def tables(self) -> Tables:
        """The tables by the plural of their collection; what is referred to comes first.

        Those of Datas's own collections are always there: its migrations make them.
        """
        tables = {
            each.collection.plural: Table(each.collection, each.table) for each in self.collections
        }
        own = {} if self is DATAS_ITEMS else DATAS_ITEMS.tables
        return {**own, **{plural: tables[plural] for plural in self._in_order()}}

    @property
    def first_request(self) -> Mapping[str, str]:
        """How a person creates a first record: where, with which JSON; and what records are."""
        first = self.collections[0]
        example = RecordBody(first.collection, first.schema).example()
        alone = len(self.collections) == 1
        return {
            "title": self.title,
            "route": first.collection.route,
            "records": first.collection.plural.replace("_", " ") if alone else "records",
            "example": json.dumps(example, ensure_ascii=False),
        }

    @property
    def other_tables(self) -> OtherTables:
        """The tables that are no collection's."""
        return [table for each in self.collections for table in each.other_tables]

    @property
    def histories(self) -> Sequence[History]:
        """The migrations of Datas, which always run, and those of the package."""
        if self.migrations is None:
            return (DATAS,)
        return (DATAS, History(self.name, self.migrations))

    def check(self) -> None:
        """Compare the descriptions of each collection. Raises: InvalidPackage."""
        if faults := list(self._faults()) or list(self._problem_faults()):
            raise InvalidPackage("\n".join(faults))

    def _in_order(self) -> Sequence[str]:
        """Raises: CycleError."""
        graph = TopologicalSorter[str]()
        for each in self.collections:
            plural, targets = each.collection.plural, each.collection.references.values()
            graph.add(plural, *(target for target in targets if target != plural))
        return tuple(graph.static_order())

    def _faults(self) -> Iterator[str]:
        if not _NAME.fullmatch(self.name):
            yield f"The package {self.name!r} needs a name of a-z, 0-9 and _."
        plurals = [each.collection.plural for each in self.collections]
        own = {each.collection.plural: each.table for each in DATAS_ITEMS.collections}
        for what in ("name", "plural", "route"):
            values = [getattr(each.collection, what) for each in self.collections]
            for value in {value for value in values if values.count(value) > 1}:
                yield f"Two collections of {self.name} have the {what} {value}."
        for each in self.collections:
            if faults := list(each.collection.faults()):
                yield from faults
                continue
            for name, target in each.collection.references.items():
                if target not in plurals:
                    yield (
                        f"The collection {each.collection.plural} refers by {name} to {target}, "
                        f"which is no collection of {self.name}."
                    )
            plural = each.collection.plural
            if each.table is not own.get(plural, each.table):
                yield f"{self.name} can't have a collection {plural}, as Datas has one of its own."
            yield from table_faults(Table(each.collection, each.table))
            yield from wire_faults(each.collection, each.schema, each.filters)
            yield from each.service_faults()
        try:
            self._in_order()
        except CycleError as error:
            yield f"Collections of {self.name} refer to each other: {', '.join(error.args[1])}."

    def _problem_faults(self) -> Iterator[str]:
        resources = [it for each in self.collections for it in each.resources.values()]
        if self.problems or resources:
            bodies = [RecordBody(each.collection, each.schema) for each in self.collections]
            yield from problem_faults(bodies, self.problems, resources)


DATAS_ITEMS = Package("datas", [Served(ITEMS, ItemSchema, ItemRow, ITEM_FILTERS)])


def load_package(name: str) -> Package:
    """The package that `module:name` names; items, if it is empty. Raises: InvalidPackage."""
    package = DATAS_ITEMS
    if name:
        module, _, attribute = name.partition(":")
        # gunicorn adds the current folder to the path, and the console script does not.
        if os.getcwd() not in sys.path:  # noqa: PTH109 (as gunicorn does it)
            sys.path.insert(0, os.getcwd())  # noqa: PTH109
        try:
            package = getattr(importlib.import_module(module), attribute)
        except Exception as error:
            raise InvalidPackage(f"{name} can't be loaded: {_described(error)}") from error
        if not isinstance(package, Package):
            raise InvalidPackage(f"{name} is no Package of datas.served.")
    package.check()
    return package


def _described(error: Exception) -> str:
    """What went wrong in a module, and in which line of it."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f" ({last.filename}, line {last.lineno})" if last.filename.endswith(".py") else ""
    return f"{type(error).__name__}: {error}{where}."
