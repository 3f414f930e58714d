"""Bodies: what marshmallow's schemas and the short ways past them agree on."""

from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st

from datas.domain.items import Item
from datas.http.schemas import ItemSchema, dump_item

moments = st.datetimes(timezones=st.just(UTC))
items = st.builds(
    Item,
    id=st.integers(1, 2**63 - 1),
    data=st.text(),
    date_created=moments,
    date_updated=moments,
    version=st.integers(1),
    owner=st.none() | st.text(),
)


@given(items)
def test_dump_item_is_what_the_schema_dumps(item: Item) -> None:
    """The same names, values and order."""
    assert list(dump_item(item).items()) == list(ItemSchema().dump(item).items())
