"""Bodies about users and tokens."""

from typing import Any

from marshmallow import RAISE, Schema, fields

from datas.domain.credentials import (
    MAX_LABEL,
    MAX_PASSWORD,
    MIN_PASSWORD,
    USERNAME,
    label_faults,
    password_faults,
    username_faults,
)
from datas.domain.rules import moment
from datas.http.fields import Moment, validator
from datas.http.schemas import (
    INT64,
    TEXT_FAULTS,
    AnswerSchema,
    OpenSchema,
    load_body,
)

EXAMPLE = {"username": "alice", "password": "…"}


class _UserBody(Schema):
    """The base of all request bodies here."""

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": "is unknown here; leave it out."}


def _secret(*, checked: bool) -> fields.String:
    return fields.String(
        required=True,
        load_only=True,
        validate=validator(password_faults) if checked else None,
        error_messages=TEXT_FAULTS,
        metadata={"minLength": MIN_PASSWORD, "maxLength": MAX_PASSWORD} if checked else {},
    )


class RegistrationSchema(_UserBody):
    """A new user."""

    username = fields.String(
        required=True,
        validate=validator(username_faults),
        error_messages=TEXT_FAULTS,
        metadata={"pattern": f"^{USERNAME}$"},
    )
    password = _secret(checked=True)


class CredentialsSchema(_UserBody):
    """A sign-in. Only the stored values decide: a rule here would help somebody who guesses."""

    username = fields.String(required=True, error_messages=TEXT_FAULTS)
    password = _secret(checked=False)
    label = fields.String(
        validate=validator(label_faults),
        error_messages=TEXT_FAULTS,
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


class UserSchema(OpenSchema):
    """A user, as the user's own requests show it."""

    id = fields.Integer(required=True, metadata=INT64)
    username = fields.String(required=True)
    date_joined = Moment(moment(), required=True)


class TokenSchema(OpenSchema):
    """A token without its secret."""

    id = fields.Integer(required=True, metadata=INT64)
    label = fields.String(required=True)
    date_created = Moment(moment(), required=True)
    date_expires = Moment(moment(), required=True)


class NewTokenSchema(TokenSchema):
    """A new token with its secret. No later answer has the secret."""

    token = fields.String(required=True)


class OwnTokenSchema(TokenSchema):
    """A token in the list of a user's own tokens."""

    current = fields.Boolean(required=True, metadata={"description": "The one in use."})


class UserAnswerSchema(AnswerSchema):
    """A user, in the envelope."""

    data = fields.Nested(UserSchema, required=True)


class NewTokenAnswerSchema(AnswerSchema):
    """A new token, in the envelope."""

    data = fields.Nested(NewTokenSchema, required=True)


class TokenListSchema(AnswerSchema):
    """A user's own tokens, in the envelope."""

    data = fields.List(fields.Nested(OwnTokenSchema), required=True)


class DoneSchema(AnswerSchema):
    """A success without data."""

    data = fields.Raw(required=True, metadata={"description": "Always null."})


def load_user(schema: Schema, body: object) -> dict[str, Any]:
    """The fields of a body about a user. Raises: Refusal (`invalid-user`)."""
    return load_body(schema, body, "invalid-user", EXAMPLE)
