"""Faults that the checker must find, each put in the place of one port. None is in Datas."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from datas.domain.errors import RecordNotFound
from datas.domain.idempotency import KeptAnswer
from datas.domain.query import Position, Query
from datas.domain.records import Record
from tests.prove.simulation import Ports


@dataclass
class Wrapper:
    """A port that does what another does, but for what a subclass does otherwise."""

    port: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.port, name)


class StoresWithoutComparing(Wrapper):
    """The service compares versions, then the store writes without doing so: check, then write."""

    def swap(self, record: Record[Any], version: int) -> bool:
        try:
            return bool(self.port.swap(record, self.port.get(record.id).version))
        except RecordNotFound:
            return False


class DeletesWithoutComparing(Wrapper):
    def remove(self, record_id: int, version: int) -> bool:
        try:
            return bool(self.port.remove(record_id, self.port.get(record_id).version))
        except RecordNotFound:
            return False


class PagesByOffset(Wrapper):
    """A page begins after as many records as there were before, and not after a record."""

    def __init__(self, port: Any) -> None:
        super().__init__(port)
        self._offsets: dict[tuple[object, Position | None], int] = {}

    def find(self, query: Query) -> Sequence[Record[Any]]:
        offset = self._offsets.get((query.sort, query.after), 0)
        whole = self.port.find(query._replace(after=None, limit=1_000_000))
        found: Sequence[Record[Any]] = whole[offset : offset + query.limit]
        size = query.limit - 1  # the last one only says that there is another page
        if len(found) > size:
            last = found[size - 1]
            field = query.sort.field
            values = {"id": None, "data": last.draft[0]}
            value = values[field] if field in values else getattr(last, field)
            self._offsets[query.sort, Position(last.id, value)] = offset + size
        return found


class KeepsAnswersApart(Wrapper):
    """The answer for a retry is stored after the work, in a transaction of its own."""

    def claim(self, record: KeptAnswer, expired: datetime) -> KeptAnswer | None:
        kept: dict[tuple[str, str], KeptAnswer] = self.port._memory.idempotency  # noqa: SLF001
        return kept.get((record.actor, record.key))


class NoTransactions(Wrapper):
    @contextmanager
    def atomic(self) -> Iterator[None]:
        yield


class ReadsTheOld(Wrapper):
    """Reads come from a copy that is behind, as those of a standby may."""

    def __init__(self, port: Any) -> None:
        super().__init__(port)
        self._copy: dict[int, Record[Any]] = {}
        self._calls = 0

    def get(self, record_id: int) -> Record[Any]:
        self._calls += 1
        found: Record[Any] = self.port.get(record_id)
        if self._calls % 20:
            self._copy[record_id] = found
        return self._copy.get(record_id, found)


class ForgetsAWrite(Wrapper):
    """Every fiftieth change is acknowledged, and not stored."""

    def __init__(self, port: Any) -> None:
        super().__init__(port)
        self._calls = 0

    def swap(self, record: Record[Any], version: int) -> bool:
        self._calls += 1
        if self._calls % 50 == 0:
            return True
        return bool(self.port.swap(record, version))


def _keep_answers_apart(ports: Ports) -> None:
    ports.answers, ports.storage = KeepsAnswersApart(ports.answers), NoTransactions(ports.storage)


def _give_ids_again(ports: Ports) -> None:
    def next_id(table: str) -> int:
        return max(ports.memory.records[table], default=0) + 1

    ports.memory.next_id = next_id  # type: ignore[method-assign]


def _repository(wrapper: Callable[[Any], Wrapper]) -> Callable[[Ports], None]:
    def plant(ports: Ports) -> None:
        ports.repository = wrapper(ports.repository)

    return plant


FAULTS: Mapping[str, Callable[[Ports], None]] = {
    "check-then-write": _repository(StoresWithoutComparing),
    "check-then-delete": _repository(DeletesWithoutComparing),
    "offset paging": _repository(PagesByOffset),
    "an id given again": _give_ids_again,
    "an idempotency entry in a transaction of its own": _keep_answers_apart,
    "a stale read": _repository(ReadsTheOld),
    "a forgotten write": _repository(ForgetsAWrite),
}
