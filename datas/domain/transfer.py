"""Many items at once, out and in."""

from collections.abc import Iterable, Iterator, Sequence

from datas.domain.access import AUTHENTICATED, SYSTEM, Access, Action, Actor
from datas.domain.items import Draft, Item, check_data
from datas.domain.ports import Clock, ItemBatches, Items
from datas.domain.query import ALL, BY_ID, MAX_LIMIT, Filter, Query, Sort, position


class Transfer:
    """Take all items out, bring many in. In memory there are never more than a few thousand.

    Every method raises `StorageUnavailable` if the store is out of reach.
    """

    def __init__(
        self, items: Items, batches: ItemBatches, clock: Clock, access: Access = AUTHENTICATED
    ) -> None:
        self._items = items
        self._batches = batches
        self._clock = clock
        self._access = access

    def export(
        self, *, sort: Sort = BY_ID, which: Filter = ALL, actor: Actor = SYSTEM
    ) -> Iterator[Sequence[Item]]:
        """All items that are meant and that the actor may see, some at a time.

        An item that is there from the beginning to the end comes exactly once, whatever happens to
        others meanwhile. Raises: Unauthenticated, at once.
        """
        return self._chunks(sort, self._access.visible(which, actor))

    def create_all(self, drafts: Iterable[Draft], *, actor: Actor = SYSTEM) -> int:
        """Keep new items, which are the actor's, all or none; return how many they are.

        Raises: InvalidItem, Unauthenticated.
        """
        self._access.admit(actor, Action.CREATE)
        return self._batches.add_many(_checked(drafts), self._clock.now(), actor.username)

    def _chunks(self, sort: Sort, which: Filter) -> Iterator[Sequence[Item]]:
        query = Query(MAX_LIMIT, sort, None, which)
        while items := self._items.find(query):
            yield items
            query = query._replace(after=position(items[-1], sort))


def _checked(drafts: Iterable[Draft]) -> Iterator[Draft]:
    for draft in drafts:
        check_data(draft.data)
        yield draft
