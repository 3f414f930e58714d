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
from datas.http.fields import validator
from datas.http.schemas import TEXT_FAULTS, load_body

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
    """A sign-in. Only the stored values decide: rules here would help with guessing."""

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


def load_user(schema: Schema, body: object) -> dict[str, Any]:
    """The fields of a body about a user. Raises: Refusal (`invalid-user`)."""
    return load_body(schema, body, "invalid-user", EXAMPLE)
