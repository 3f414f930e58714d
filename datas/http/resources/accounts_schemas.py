"""Bodies about users and tokens."""

from marshmallow import RAISE, Schema

from datas.domain.credentials import (
    MAX_LABEL,
    MAX_PASSWORD,
    MIN_PASSWORD,
    USERNAME,
    label_faults,
    password_faults,
    username_faults,
)
from datas.http.fields import Text


class _UserBody(Schema):
    class Meta:
        unknown = RAISE

    error_messages = {"unknown": "is unknown here; leave it out."}


def _text_faults(value: object) -> list[str]:
    return [] if isinstance(value, str) else ["must be a string."]


def _new_password() -> Text:
    bounds = {"minLength": MIN_PASSWORD, "maxLength": MAX_PASSWORD}
    return Text(password_faults, required=True, load_only=True, metadata=bounds)


class RegistrationSchema(_UserBody):
    username = Text(username_faults, required=True, metadata={"pattern": f"^{USERNAME}$"})
    password = _new_password()


class CredentialsSchema(_UserBody):
    """A sign-in. Only the stored values decide: rules here would help with guessing."""

    username = Text(_text_faults, required=True)
    password = Text(_text_faults, required=True, load_only=True)
    label = Text(
        label_faults,
        metadata={
            "maxLength": MAX_LABEL,
            "pattern": "^[^\\u0000]*$",
            "description": "By which you know the token again.",
        },
    )


class PasswordChangeSchema(_UserBody):
    password = Text(_text_faults, required=True, load_only=True)
    new_password = _new_password()
