"""What a server serves: collections, with what each looks like on the wire and in its table.

This is the one module beside `bootstrap` that knows domain, http and adapters; none of them knows
it. When an app is built, the descriptions of each collection are compared.
"""

import importlib
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from datas.adapters.sql.comparison import table_faults
from datas.adapters.sql.migrate import DATAS, History
from datas.adapters.sql.tables import ItemRow, RecordRow, Table, Tables
from datas.domain.items import ITEMS
from datas.domain.query import Filter
from datas.domain.records import Collection
from datas.domain.service import RecordService
from datas.http.items import ItemSchema
from datas.http.parts import wire_faults
from datas.http.schemas import RecordSchema

_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


class InvalidPackage(ValueError):
    """A package that can't be served: every mistake, a line each."""


@dataclass(frozen=True)
class Served:
    """One collection: what it is, on the wire and in its table; what a list of it can be asked.

    `resources` are of paths below a record's own: `{"loan": LoanResource}`.
    """

    collection: Collection[Any]
    schema: type[RecordSchema]
    table: type[RecordRow]
    filters: Mapping[str, Filter] = field(default_factory=dict)
    service: type[RecordService[Any]] = RecordService
    resources: Mapping[str, Callable[[Any], object]] = field(default_factory=dict)


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

        That of items is always there: Datas's own migrations make it.
        """
        tables = {
            each.collection.plural: Table(each.collection, each.table) for each in self.collections
        }
        items = {ITEMS.plural: Table(ITEMS, ItemRow)}
        return items | {plural: tables[plural] for plural in self._in_order()}

    @property
    def histories(self) -> Sequence[History]:
        """The migrations of Datas, which always run, and those of the package."""
        if self.migrations is None:
            return (DATAS,)
        return (DATAS, History.of_package(self.name, self.migrations))

    def check(self) -> None:
        """Compare the descriptions of each collection. Raises: InvalidPackage."""
        if faults := list(self._faults()):
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
            if each.collection.plural == ITEMS.plural and each.table is not ItemRow:
                yield f"A collection of {self.name} can't have the plural of Datas's own items."
            yield from table_faults(Table(each.collection, each.table))
            yield from wire_faults(each.collection, each.schema, each.filters)
        try:
            self._in_order()
        except CycleError as error:
            yield f"Collections of {self.name} refer to each other: {', '.join(error.args[1])}."


DATAS_ITEMS = Package("datas", [Served(ITEMS, ItemSchema, ItemRow)])


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
        except (ImportError, ValueError) as error:
            raise InvalidPackage(f"the module {module!r} can't be imported: {error}.") from error
        except AttributeError as error:
            raise InvalidPackage(f"{module} has no {attribute!r}: {error}.") from error
        if not isinstance(package, Package):
            raise InvalidPackage(f"{name} is no Package of datas.served.")
    package.check()
    return package
