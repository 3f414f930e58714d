"""The parts that the API is built from."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, Protocol

from datas.domain import records
from datas.domain.access import Access
from datas.domain.accounts import Accounts
from datas.domain.idempotency import Idempotency
from datas.domain.query import Filter, Operator
from datas.domain.records import ENVELOPE, D
from datas.domain.service import RecordService
from datas.http.fields import RecordField
from datas.http.observation import Observer
from datas.http.params import PARAMS, ListParams
from datas.http.problems import Problem, read_problems
from datas.http.schemas import RecordBody, RecordSchema


@dataclass(frozen=True)
class RecordParts(Generic[D]):
    """A collection that is served: its use cases, and what it looks like on the wire.

    `resources` has, for each path below a record's own, what makes a resource of these parts and of
    `Idempotency`: `{"loan": LoanResource}` is `/api/books/{book_id}/loan`.
    """

    collection: records.Collection[D]
    service: RecordService[D]
    schema: type[RecordSchema]
    filters: Mapping[str, Filter] = field(default_factory=dict)
    resources: Mapping[str, Callable[..., object]] = field(default_factory=dict)

    @cached_property
    def body(self) -> RecordBody[D]:
        return RecordBody(self.collection, self.schema)

    @cached_property
    def params(self) -> ListParams[D]:
        return ListParams(self.body, self.filters)


class RequestLog(Protocol):
    id: str  # of its memory
    is_shared: bool  # by all workers

    def since(self, number: int, /) -> tuple[int, Sequence[Mapping[str, Any]]]:
        """The newest number, and the entries after this one: all if no entry had it yet."""


@dataclass(frozen=True)
class Parts:
    """All parts, already built."""

    collections: Sequence[RecordParts[Any]]
    idempotency: Idempotency
    accounts: Accounts
    access: Access
    check_storage: Callable[[], None]
    is_draining: Callable[[], bool] = bool
    title: str = "Datas"
    own_problems: Path | None = None  # a table like problems.toml
    allowed_hosts: Collection[str] = ()
    cors_origins: Collection[str] = ()
    trusted_proxies: int = 0
    bulk_lines: int = 10_000
    console: bool = True
    access_log: Observer | None = None
    metrics: Observer | None = None  # a resource too
    requests: Callable[[], RequestLog] | None = None  # in explain mode
    delays: int = 1  # answers that may be delayed at once, in explain mode

    @cached_property
    def problems(self) -> Mapping[str, Problem]:
        return read_problems([each.body for each in self.collections], self.own_problems)


def wire_faults(
    collection: records.Collection[Any], schema: type[RecordSchema], filters: Mapping[str, Filter]
) -> Iterator[str]:
    """What is wrong with a schema and with filters, a sentence each, for the start of a server."""
    here, fields = f"The collection {collection.plural}", schema().fields
    known = (*collection.fields, *ENVELOPE)
    for name in collection.fields:
        if name not in fields:
            yield f"{here} has no field {name} in its schema: add one."
        elif not isinstance(fields[name], RecordField):
            yield f"{here} needs a field of datas.http.fields for {name} in its schema."
    for name in fields:
        if name not in known:
            yield f"{here} has {name} in its schema, which is no field of its draft."
    for name, each in filters.items():
        if name in PARAMS:
            yield f"{here} can't have a filter {name}: every list has a parameter of that name."
        if each.field not in known:
            yield f"{here} has a filter {name} by {each.field}, which is no field of it."
        # The database has one column to search: that of the field that `q` looks through.
        if each.operator is Operator.CONTAINS and each.field != collection.search:
            yield f"{here} has a filter {name} that searches {each.field}, not its search field."
