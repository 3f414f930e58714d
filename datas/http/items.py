"""Items on the wire."""

from datas.domain.items import ITEMS
from datas.domain.query import Filter
from datas.http.fields import field
from datas.http.schemas import RecordSchema


class ItemSchema(RecordSchema):
    """An item."""

    data = field(ITEMS, "data", description="Text, kept exactly as it is.")


ITEM_FILTERS: dict[str, Filter] = {}
