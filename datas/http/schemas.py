"""Bodies (marshmallow): JSON to domain values with `load`, domain values to JSON with `dump`."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import orjson
from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields

from datas.domain.credentials import (
    MAX_LABEL,
    MAX_PASSWORD,
    MIN_PASSWORD,
    USERNAME,
    label_faults,
    password_faults,
    username_faults,
)
from datas.domain.items import MAX_LENGTH, MIN_LENGTH, WHITE_SPACE, Item, data_faults
from datas.http.errors import MAX_FAULTS, Refusal

# No NUL anywhere, and something that is not white space; spelled for any dialect of regex.
_BLANK = "".join(f"\\u{ord(character):04x}" for character in WHITE_SPACE)
DATA_PATTERN = f"^[^\\u0000]*[^\\u0000{_BLANK}][^\\u0000]*$"
USERNAME_PATTERN = f"^{USERNAME}$"


class UtcTime(fields.DateTime):
    """A moment in UTC, as `rfc3339` writes it."""

    def _serialize(self, value: datetime, *_: Any, **__: Any) -> str:  # type: ignore[override]
        return rfc3339(value)


def rule(faults: Callable[[Any], list[str]]) -> Callable[[Any], None]:
    """A domain rule as a marshmallow validator, so that all fields' faults come together."""

    def validate(value: Any) -> None:
        if found := faults(value):
            raise ValidationError(found)

    return validate


_TEXT_FAULTS: dict[str, Any] = {
    "required": "is missing.",
    "null": "must be a string, not null.",
    "invalid": "must be a string.",
}


class ItemSchema(Schema):
    """An item. Clients write `data` alone; the rest is the server's."""

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": "is no field of an item; leave it out."}

    id = fields.Integer(dump_only=True)
    data = fields.String(
        required=True,
        validate=rule(data_faults),
        error_messages=_TEXT_FAULTS,
        metadata={
            "minLength": MIN_LENGTH,
            "maxLength": MAX_LENGTH,
            "pattern": DATA_PATTERN,
            "description": "Text, kept exactly as it is.",
        },
    )
    date_created = UtcTime(dump_only=True)
    date_updated = UtcTime(dump_only=True)
    version = fields.Integer(dump_only=True)
    owner = fields.String(dump_only=True, allow_none=True)


class _OpenSchema(Schema):
    """What answers are made of: a later version may add to it."""

    class Meta:
        unknown = EXCLUDE


class _AnswerSchema(_OpenSchema):
    """The envelope of a success, around `data`."""

    success = fields.Boolean(required=True, metadata={"enum": [True]})
    msg = fields.String(required=True)


class ItemAnswerSchema(_AnswerSchema):
    """One item, in its envelope."""

    data = fields.Nested(ItemSchema, required=True)


class ItemPageSchema(_AnswerSchema):
    """A page of items, in its envelope."""

    data = fields.List(fields.Nested(ItemSchema), required=True)
    next = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The path and query of the next page; null on the last one."},
    )
    total = fields.Integer(
        metadata={"description": "How many items there are on all pages; only with `count=true`."}
    )


class CreatedSchema(_OpenSchema):
    """How many items were created."""

    created = fields.Integer(required=True)


class BulkAnswerSchema(_AnswerSchema):
    """What became of many items, in the envelope."""

    data = fields.Nested(CreatedSchema, required=True)


class HealthSchema(_OpenSchema):
    """What a monitor is told."""

    status = fields.String(required=True, metadata={"enum": ["ok"]})


class LineErrorSchema(_OpenSchema):
    """A line at fault."""

    line = fields.Integer(required=True)
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()), required=True)


class ProblemSchema(_OpenSchema):
    """An error (RFC 9457), with the envelope's `success` and `msg`."""

    type = fields.String(required=True, metadata={"description": "What kind it is: a page."})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True, metadata={"description": "What happened; what to do."})
    success = fields.Boolean(required=True, metadata={"enum": [False]})
    msg = fields.String(required=True, metadata={"description": "The same text as `detail`."})
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={
            "description": f"The texts for each field, parameter or header at fault; {MAX_FAULTS} "
            "of them at most."
        },
    )
    line_errors = fields.List(
        fields.Nested(LineErrorSchema),
        metadata={"description": "The first hundred lines at fault, of a bulk body."},
    )
    line_error_count = fields.Integer(metadata={"description": "How many lines are at fault."})
    request_id = fields.String(required=True)


class ProblemKindSchema(_OpenSchema):
    """A kind of error, in a word."""

    type = fields.String(required=True)
    status = fields.Integer(required=True)
    title = fields.String(required=True)


class ProblemIndexSchema(_OpenSchema):
    """All kinds of errors."""

    problems = fields.List(fields.Nested(ProblemKindSchema), required=True)


class ReferenceSchema(_OpenSchema):
    """Where something is written."""

    title = fields.String(required=True)
    url = fields.String(required=True, metadata={"format": "uri"})


class ProblemPageSchema(_OpenSchema):
    """A kind of error: what happened, why, a request that fails, and the same one mended."""

    code = fields.String(required=True)
    status = fields.Integer(required=True)
    title = fields.String(required=True)
    meaning = fields.String(required=True)
    cause = fields.String(required=True)
    fails = fields.String(required=True)
    mended = fields.String(required=True)
    reference = fields.Nested(ReferenceSchema, required=True)


class _UserBody(Schema):
    """What bodies about users have in common."""

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": "is unknown here; leave it out."}


def _secret(*, checked: bool) -> fields.String:
    return fields.String(
        required=True,
        load_only=True,
        validate=rule(password_faults) if checked else None,
        error_messages=_TEXT_FAULTS,
        metadata={"minLength": MIN_PASSWORD, "maxLength": MAX_PASSWORD} if checked else {},
    )


class RegistrationSchema(_UserBody):
    """A new user."""

    username = fields.String(
        required=True,
        validate=rule(username_faults),
        error_messages=_TEXT_FAULTS,
        metadata={"pattern": USERNAME_PATTERN},
    )
    password = _secret(checked=True)


class CredentialsSchema(_UserBody):
    """What signing in takes. Its rules are those of what is kept, and are told to nobody."""

    username = fields.String(required=True, error_messages=_TEXT_FAULTS)
    password = _secret(checked=False)
    label = fields.String(
        load_default="",
        validate=rule(label_faults),
        error_messages=_TEXT_FAULTS,
        metadata={
            "maxLength": MAX_LABEL,
            "pattern": "^[^\\u0000]*$",
            "description": "By which you know the token again.",
        },
    )


class PasswordChangeSchema(_UserBody):
    """The old password and the new one."""

    password = _secret(checked=False)
    new_password = _secret(checked=True)


class UserSchema(_OpenSchema):
    """A user, as they see themselves."""

    id = fields.Integer(required=True)
    username = fields.String(required=True)
    date_joined = UtcTime(required=True)


class TokenSchema(_OpenSchema):
    """A token without its secret."""

    id = fields.Integer(required=True)
    label = fields.String(required=True)
    date_created = UtcTime(required=True)
    date_expires = UtcTime(required=True)


class NewTokenSchema(TokenSchema):
    """A token with its secret, which is shown this once."""

    token = fields.String(required=True)


class OwnTokenSchema(TokenSchema):
    """One of several tokens."""

    current = fields.Boolean(required=True, metadata={"description": "The one in use."})


class UserAnswerSchema(_AnswerSchema):
    """A user, in the envelope."""

    data = fields.Nested(UserSchema, required=True)


class NewTokenAnswerSchema(_AnswerSchema):
    """A new token, in the envelope."""

    data = fields.Nested(NewTokenSchema, required=True)


class TokenListSchema(_AnswerSchema):
    """One's own tokens, in the envelope."""

    data = fields.List(fields.Nested(OwnTokenSchema), required=True)


class DoneSchema(_AnswerSchema):
    """A success with nothing to show."""

    data = fields.Raw(required=True, metadata={"type": "null"})


_ITEM = ItemSchema()
WRITABLE = tuple(_ITEM.load_fields)
READ_ONLY = frozenset(_ITEM.dump_fields) - frozenset(_ITEM.load_fields)


def dump_item(item: Item) -> dict[str, Any]:
    """An item as JSON has it: what `ItemSchema.dump` gives, in a third of its time.

    This is the hottest line of the server; a property test holds the two equal.
    """
    created = updated = rfc3339(item.date_created)
    if item.date_updated is not item.date_created:
        updated = rfc3339(item.date_updated)
    return item._asdict() | {"date_created": created, "date_updated": updated}


def rfc3339(moment: datetime) -> str:
    """`2026-11-22T16:00:00.123456Z`: in UTC, always with microseconds (RFC 3339 §5.6)."""
    if moment.microsecond:
        # In a third of the time; but orjson leaves out microseconds that are zero.
        return orjson.dumps(moment, option=orjson.OPT_UTC_Z)[1:-1].decode()
    return moment.isoformat("T", "microseconds")[:26] + "Z"


def load_item(
    body: object, *, ignore_read_only: bool = False, partial: bool = False
) -> dict[str, Any]:
    """The fields of an item that a client may write. Raises: Refusal (`invalid-item`).

    Read-only names are faults of their own; a PUT ignores them, so that what was read can be
    edited and put back. A `partial` body may leave fields out.
    """
    if ignore_read_only and isinstance(body, Mapping):
        body = {name: value for name, value in body.items() if name not in READ_ONLY}
    return _load(_ITEM, body, "invalid-item", '{"data": "hello"}', partial=partial)


def load_user(schema: Schema, body: object) -> dict[str, Any]:
    """The fields of a body about a user. Raises: Refusal (`invalid-user`)."""
    return _load(schema, body, "invalid-user", '{"username": "alice", "password": "…"}')


def _load(
    schema: Schema, body: object, code: str, example: str, *, partial: bool = False
) -> dict[str, Any]:
    if not isinstance(body, Mapping):
        raise Refusal(code, errors={"body": [f"must be a JSON object, such as {example}."]})
    try:
        loaded: dict[str, Any] = schema.load(body, partial=partial)
    except ValidationError as error:
        faults = error.messages_dict
        for name in READ_ONLY.intersection(faults).intersection(schema.dump_fields):
            faults[name] = ["is read-only; leave it out."]
        raise Refusal(code, errors=faults) from None
    return loaded


def envelope(msg: str, data: object) -> dict[str, Any]:
    """A success."""
    return {"success": True, "msg": msg, "data": data}
