"""Authors on the wire."""

from datas.http.fields import field
from datas.http.schemas import RecordSchema
from library.domain.authors import AUTHORS


class AuthorSchema(RecordSchema):
    """An author."""

    name = field(AUTHORS, "name", example="Ursula K. Le Guin")
    born = field(AUTHORS, "born", description="The year.", example=1929)
