"""Many records at once: drafts on their way in, and records on their way out."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from datas.domain.errors import InvalidRecord
from datas.domain.ports import Repository
from datas.domain.query import Query
from datas.domain.records import D, Record


def check_each(drafts: Iterable[D], check: Callable[[D], None]) -> Iterator[D]:
    """Yield the drafts, each of them checked. Raises: InvalidRecord, with its `index`."""
    for index, draft in enumerate(drafts):
        try:
            check(draft)
        except InvalidRecord as error:
            error.index = index
            raise
        yield draft


def steps(repository: Repository[D], query: Query) -> Iterator[Sequence[Record[D]]]:
    """Yield what each step through the collection finds, maybe nothing, to its end."""
    while True:
        records, following = repository.scan(query)
        yield records
        if following is None:
            return
        query = query._replace(after=following)
