"""Many records at once: drafts on their way in, and records on their way out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic

from datas.domain.access import SYSTEM, Access, Action, Actor
from datas.domain.errors import InvalidRecord, RecordNotFound
from datas.domain.ports import Clock, Repository
from datas.domain.query import BY_ID, MAX_LIMIT, Conditions, Query, Sort
from datas.domain.records import Collection, D, Record


class BulkService(Generic[D]):
    """The part of `RecordService` that a request for one record without references does not use."""

    collection: Collection[D]
    _repository: Repository[D]
    _clock: Clock
    _access: Access
    _targets: Mapping[str, Repository[Any]]

    def create_all(self, drafts: Iterable[D], *, actor: Actor = SYSTEM) -> int:
        """Store new records, owned by the actor, all or none; return how many they are.

        Raises: InvalidRecord, ValueTaken (with the `index` of the draft at fault), Unauthenticated.
        """
        self._access.admit(actor, Action.CREATE)
        checked = self._checked(drafts, actor)
        return self._repository.add_many(checked, self._clock.now(), actor.username)

    def export(
        self, *, sort: Sort = BY_ID, where: Conditions = (), actor: Actor = SYSTEM
    ) -> Iterator[Sequence[Record[D]]]:
        """Yield all records that the actor may see, at most 1,000 at a time, maybe none.

        A record that is there from the beginning to the end comes exactly once, unless the field
        that sorts is changed meanwhile. Raises: Unauthenticated, at once.
        """
        where = self._access.visible(where, actor)
        return self._steps(Query(MAX_LIMIT, sort, None, where))

    def _checked(self, drafts: Iterable[D], actor: Actor) -> Iterator[D]:
        for index, draft in enumerate(drafts):
            try:
                self.collection.check(draft)
                self._check_references(draft, actor)
            except InvalidRecord as error:
                error.index = index
                raise
            yield draft

    def _check_references(self, draft: D, actor: Actor) -> None:
        """Treat a record that the actor may not read as absent. Raises: InvalidRecord.

        Where everyone reads all records, the store's own check is enough. But no store refuses a
        new record that refers to the very id which it gets.
        """
        own = self.collection
        for name, target in self._targets.items():
            record_id, plural = getattr(draft, name), own.references[name]
            is_checked = plural == own.plural or self._access.hides_records(actor)
            if record_id is None or not is_checked:
                continue
            try:
                self._access.permit(actor, Action.READ, plural, target.get(record_id))
            except RecordNotFound:
                raise InvalidRecord.missing_reference(own.name, name, record_id) from None

    def _steps(self, query: Query) -> Iterator[Sequence[Record[D]]]:
        while True:
            records, following, _ = self._repository.scan(query)
            yield records
            if following is None:
                return
            query = query._replace(after=following)
