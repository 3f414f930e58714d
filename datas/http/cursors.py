"""Cursors: opaque texts that lead from one page of a list to the next."""

import base64
import hashlib
from contextlib import suppress

import orjson

from datas.domain.query import Position
from datas.domain.rules import MAX_INTEGER
from datas.http.errors import Refusal
from datas.http.fields import RecordField

DIGEST = 6  # bytes of a cursor that tie it to its list


def write_cursor(position: Position, sort: RecordField | None, context: bytes) -> str:
    """`sort` is None if the order is by id.

    `context` identifies the list: its collection, order, conditions and actor.
    """
    value = position.value if sort is None else sort.to_json(position.value)
    place = orjson.dumps([position.id, value])
    return base64.urlsafe_b64encode(_digest(place, context) + place).decode()


def read_cursor(cursor: str, sort: RecordField | None, context: bytes) -> Position:
    """Raises: Refusal, if the cursor was changed, or made for another list or actor."""
    with suppress(ValueError):
        decoded = base64.b64decode(cursor, b"-_", validate=True)
        place = decoded[DIGEST:]
        if decoded[:DIGEST] == _digest(place, context):
            return _position(orjson.loads(place), sort)
    fault = (
        "is damaged, or was made for another list. Take it unchanged from `next`, with the same "
        "sort and filters, or start again without it."
    )
    raise Refusal("invalid-parameter", errors={"after": [fault]})


def _position(place: object, sort: RecordField | None) -> Position:
    """The position that a cursor names. Anyone can make a digest, so the values are checked.

    Raises: ValueError, if it is no position in this order.
    """
    match place:
        case [int(record_id), value] if 0 < record_id <= MAX_INTEGER:
            if sort is None:
                if value is None:
                    return Position(record_id)
            elif not sort.rule(converted := sort.from_json(value)):
                return Position(record_id, converted)
    raise ValueError(place)


def _digest(place: bytes, context: bytes) -> bytes:
    """Ties a cursor to its list and finds damage. It keeps no secret: a cursor hides nothing."""
    return hashlib.blake2b(place + context, digest_size=DIGEST).digest()
