"""`/api/users` and `/api/tokens`: users, and the tokens by which they sign their requests."""

from functools import partial
from http import HTTPStatus
from typing import Any

import falcon
from marshmallow import Schema

from datas.domain.access import Action
from datas.domain.accounts import Accounts
from datas.domain.credentials import Token, User
from datas.http.body import read_json
from datas.http.fields import rfc3339
from datas.http.operation import BODY, STORED, Operation
from datas.http.params import refuse_params
from datas.http.request import Request, counted
from datas.http.resources.accounts_schemas import (
    CredentialsSchema,
    PasswordChangeSchema,
    RegistrationSchema,
)
from datas.http.schemas import envelope, load_body

_EXAMPLE = {"username": "alice", "password": "…"}
_ALICE = {"username": "alice", "password": "correct horse"}
_USER_BODY = (*STORED, *BODY, "invalid-user")

_operation = partial(Operation, tag="users", problems=STORED)
_created = partial(_operation, status=HTTPStatus.CREATED)


class _Resource:
    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts


class UsersResource(_Resource):
    _schema = RegistrationSchema()

    actions = {"POST": None}
    operations = {
        "POST": _created(
            "registerUser",
            "Register, where registration is open",
            "UserAnswer",
            headers=("Location",),
            body=RegistrationSchema,
            example=_ALICE,
            problems=(*_USER_BODY, "registration-closed", "username-taken", "too-many-attempts"),
        )
    }

    def on_post(self, req: Request, resp: falcon.Response) -> None:
        body = _read_body(req, self._schema)
        user = self._accounts.register(**body, actor=req.actor)
        resp.status = falcon.HTTP_201
        resp.set_header("Location", f"{req.root_path}/api/users/me")
        resp.media = envelope(f"User [{user.username}] successfully created", _dump_user(user))


class MeResource(_Resource):
    actions = {"GET": Action.ACCOUNT}
    operations = {"GET": _operation("getMe", "Who am I?", "UserAnswer")}

    def on_get(self, req: Request, resp: falcon.Response) -> None:
        user = self._accounts.me(req.actor)
        resp.media = envelope(f"User [{user.username}] found", _dump_user(user))


class PasswordResource(_Resource):
    _schema = PasswordChangeSchema()
    actions = {"PUT": Action.ACCOUNT}
    operations = {
        "PUT": _operation(
            "changePassword",
            "Change the password, and revoke all other tokens",
            "Done",
            body=PasswordChangeSchema,
            example={"password": "correct horse", "new_password": "battery staple"},
            problems=(*_USER_BODY, "wrong-credentials", "too-many-attempts"),
        )
    }

    def on_put(self, req: Request, resp: falcon.Response) -> None:
        self._accounts.change_password(req.actor, **_read_body(req, self._schema))
        resp.media = envelope("Password successfully changed", None)


class TokensResource(_Resource):
    """The tokens of the user whose token the request has."""

    _schema = CredentialsSchema()
    actions = {"POST": None, "GET": Action.ACCOUNT}
    operations = {
        "GET": _operation(
            "listTokens", "List one's own tokens, without their secrets", "TokenList"
        ),
        "POST": _created(
            "signIn",
            "Sign in: a token, shown this once",
            "NewTokenAnswer",
            body=CredentialsSchema,
            example=_ALICE | {"label": "laptop"},
            problems=(*_USER_BODY, "wrong-credentials", "too-many-attempts"),
        ),
    }

    def __init__(self, accounts: Accounts, trusted_proxies: int) -> None:
        super().__init__(accounts)
        self._trusted_proxies = trusted_proxies

    def on_post(self, req: Request, resp: falcon.Response) -> None:
        credentials = _read_body(req, self._schema)
        address = counted(req.client_address(self._trusted_proxies))
        token, secret = self._accounts.sign_in(**credentials, address=address)
        resp.status = falcon.HTTP_201
        data = {"id": token.id, "token": secret} | _dump_token(token)
        resp.media = envelope("Token successfully created", data)

    def on_get(self, req: Request, resp: falcon.Response) -> None:
        data = [
            _dump_token(token) | {"current": token.id == req.actor.token_id}
            for token in self._accounts.list_tokens(req.actor)
        ]
        resp.media = envelope(f"Tokens found ({len(data)})", data)


class TokenResource(_Resource):
    actions = {"DELETE": Action.ACCOUNT}
    operations = {
        "DELETE": _operation(
            "revokeToken",
            "Revoke one of one's own tokens",
            "Done",
            problems=(*STORED, "token-not-found", "route-not-found", "forbidden"),
        )
    }

    def on_delete(self, req: Request, resp: falcon.Response, token_id: int | None = None) -> None:
        """Without an id, revoke the token in use."""
        revoked = self._accounts.revoke_token(req.actor, token_id)
        resp.media = envelope(f"Token [{revoked}] successfully revoked", None)


class CurrentTokenResource(TokenResource):
    operations = {
        "DELETE": _operation(
            "revokeCurrentToken",
            "Revoke the token in use",
            "Done",
            problems=(*STORED, "token-not-found", "forbidden"),
        )
    }


def _read_body(req: Request, schema: Schema) -> dict[str, Any]:
    body = read_json(req, example=_EXAMPLE.copy)
    refuse_params(req)
    return load_body(schema, body, "invalid-user", _EXAMPLE)


def _dump_user(user: User) -> dict[str, Any]:
    date_joined = rfc3339(user.date_joined)
    return {"id": user.id, "username": user.username, "date_joined": date_joined}


def _dump_token(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "label": token.label,
        "date_created": rfc3339(token.date_created),
        "date_expires": rfc3339(token.date_expires),
    }
