"""What a draft may refer to."""

from collections.abc import Mapping
from typing import Any

from datas.domain.access import Access, Action, Actor
from datas.domain.errors import InvalidRecord, RecordNotFound
from datas.domain.ports import Repository
from datas.domain.records import Collection


class References:
    """The references of one collection. `targets` are the repositories they lead to, by field."""

    def __init__(
        self, collection: Collection[Any], targets: Mapping[str, Repository[Any]], access: Access
    ) -> None:
        self._collection = collection
        self._targets = targets
        self._access = access

    def check(self, draft: Any, actor: Actor) -> None:
        """Treat a record that the actor may not read as absent. Raises: InvalidRecord.

        Where everyone reads all records, the store's own check is enough. But no store refuses a
        new record that refers to the very id which it gets.
        """
        hidden = self._access.hides_records(actor)
        for name, target in self._targets.items():
            record_id, plural = getattr(draft, name), self._collection.references[name]
            if record_id is None or not (hidden or plural == self._collection.plural):
                continue
            try:
                self._access.permit(actor, Action.READ, plural, target.get(record_id))
            except RecordNotFound:
                raise InvalidRecord.missing_reference(
                    self._collection.name, name, record_id
                ) from None
