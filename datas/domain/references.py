"""What a draft may refer to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from datas.domain.access import Access, Action, Actor
from datas.domain.errors import InvalidRecord, RecordNotFound
from datas.domain.ports import Repository
from datas.domain.records import Collection


@dataclass(frozen=True)
class References:
    """The references of one collection. `targets` are the repositories they lead to, by field."""

    collection: Collection[Any]
    targets: Mapping[str, Repository[Any]]
    access: Access

    def check(self, draft: Any, actor: Actor) -> None:
        """Treat a record that the actor may not read as absent. Raises: InvalidRecord.

        Where everyone reads all records, the store's own check is enough. But no store refuses a
        new record that refers to the very id which it gets.
        """
        hidden = self.access.hides_records(actor)
        for name, target in self.targets.items():
            record_id, plural = getattr(draft, name), self.collection.references[name]
            if record_id is None or not (hidden or plural == self.collection.plural):
                continue
            try:
                self.access.permit(actor, Action.READ, plural, target.get(record_id))
            except RecordNotFound:
                own = self.collection.name
                raise InvalidRecord.missing_reference(own, name, record_id) from None
