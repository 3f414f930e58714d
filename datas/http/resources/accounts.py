"""`/api/users` and `/api/tokens`: users, and the tokens by which they sign their requests."""

from http import HTTPStatus

import falcon

from datas.domain.access import Action
from datas.domain.accounts import Accounts
from datas.http.body import read_json
from datas.http.operation import BODY, STORED, Operation, json_content
from datas.http.params import refuse_params
from datas.http.request import Request, counted
from datas.http.resources.accounts_schemas import (
    EXAMPLE,
    CredentialsSchema,
    DoneSchema,
    NewTokenAnswerSchema,
    NewTokenSchema,
    OwnTokenSchema,
    PasswordChangeSchema,
    RegistrationSchema,
    TokenListSchema,
    UserAnswerSchema,
    UserSchema,
    load_user,
)
from datas.http.schemas import envelope

_REGISTRATION, _CREDENTIALS = RegistrationSchema(), CredentialsSchema()
_PASSWORD_CHANGE = PasswordChangeSchema()
_USER, _NEW_TOKEN, _OWN_TOKEN = UserSchema(), NewTokenSchema(), OwnTokenSchema()

_USER_BODY = (*STORED, *BODY, "invalid-user")


class UsersResource:
    """All users."""

    actions = {"POST": None}
    operations = {
        "POST": Operation(
            "registerUser",
            "Register, where registration is open",
            json_content(UserAnswerSchema),
            HTTPStatus.CREATED,
            headers=("Location",),
            body=json_content(
                RegistrationSchema, {"username": "alice", "password": "correct horse"}
            ),
            problems=(*_USER_BODY, "registration-closed", "username-taken", "too-many-attempts"),
            tag="users",
        )
    }

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def on_post(self, req: Request, resp: falcon.Response) -> None:
        """Register, where registration is open."""
        body = read_json(req, example=EXAMPLE.copy)
        refuse_params(req)
        user = self._accounts.register(**load_user(_REGISTRATION, body), actor=req.actor)
        resp.status = falcon.HTTP_201
        resp.set_header("Location", f"{req.root_path}/api/users/me")
        resp.media = envelope(f"User [{user.username}] successfully created", _USER.dump(user))


class MeResource:
    """The user whose token the request has."""

    actions = {"GET": Action.ACCOUNT}
    operations = {
        "GET": Operation(
            "getMe", "Who am I?", json_content(UserAnswerSchema), problems=STORED, tag="users"
        )
    }

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def on_get(self, req: Request, resp: falcon.Response) -> None:
        """Who am I?"""
        user = self._accounts.me(req.actor)
        resp.media = envelope(f"User [{user.username}] found", _USER.dump(user))


class PasswordResource:
    """The password of the user whose token the request has."""

    actions = {"PUT": Action.ACCOUNT}
    operations = {
        "PUT": Operation(
            "changePassword",
            "Change the password, and revoke all other tokens",
            json_content(DoneSchema),
            body=json_content(
                PasswordChangeSchema,
                {"password": "correct horse", "new_password": "battery staple"},
            ),
            problems=(*_USER_BODY, "wrong-credentials", "too-many-attempts"),
            tag="users",
        )
    }

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def on_put(self, req: Request, resp: falcon.Response) -> None:
        """Change it, and revoke the user's other tokens."""
        body = read_json(req, example=EXAMPLE.copy)
        refuse_params(req)
        self._accounts.change_password(req.actor, **load_user(_PASSWORD_CHANGE, body))
        resp.media = envelope("Password successfully changed", None)


class TokensResource:
    """The tokens of the user whose token the request has."""

    actions = {"POST": None, "GET": Action.ACCOUNT}
    operations = {
        "GET": Operation(
            "listTokens",
            "List one's own tokens, without their secrets",
            json_content(TokenListSchema),
            problems=STORED,
            tag="users",
        ),
        "POST": Operation(
            "signIn",
            "Sign in: a token, shown this once",
            json_content(NewTokenAnswerSchema),
            HTTPStatus.CREATED,
            body=json_content(
                CredentialsSchema,
                {"username": "alice", "password": "correct horse", "label": "laptop"},
            ),
            problems=(*_USER_BODY, "wrong-credentials", "too-many-attempts"),
            tag="users",
        ),
    }

    def __init__(self, accounts: Accounts, trusted_proxies: int) -> None:
        self._accounts = accounts
        self._trusted_proxies = trusted_proxies

    def on_post(self, req: Request, resp: falcon.Response) -> None:
        """Sign in: the answer has the token, this once."""
        body = read_json(req, example=EXAMPLE.copy)
        refuse_params(req)
        address = counted(req.client_address(self._trusted_proxies))
        credentials = load_user(_CREDENTIALS, body)
        token, secret = self._accounts.sign_in(**credentials, address=address)
        resp.status = falcon.HTTP_201
        data = {"id": token.id, "token": secret} | _NEW_TOKEN.dump(token)
        resp.media = envelope("Token successfully created", data)

    def on_get(self, req: Request, resp: falcon.Response) -> None:
        """List them, without their secrets."""
        tokens = self._accounts.list_tokens(req.actor)
        data = [
            _OWN_TOKEN.dump(token) | {"current": token.id == req.actor.token_id} for token in tokens
        ]
        resp.media = envelope(f"Tokens found ({len(data)})", data)


class TokenResource:
    """One token of the user whose token the request has."""

    actions = {"DELETE": Action.ACCOUNT}
    operations = {
        "DELETE": Operation(
            "revokeToken",
            "Revoke one of one's own tokens",
            json_content(DoneSchema),
            problems=(*STORED, "token-not-found", "route-not-found", "forbidden"),
            tag="users",
        )
    }

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def on_delete(self, req: Request, resp: falcon.Response, token_id: int | None = None) -> None:
        """Revoke it. Without an id, revoke the token in use."""
        revoked = self._accounts.revoke_token(req.actor, token_id)
        resp.media = envelope(f"Token [{revoked}] successfully revoked", None)


class CurrentTokenResource(TokenResource):
    """The token that the request has."""

    operations = {
        "DELETE": Operation(
            "revokeCurrentToken",
            "Revoke the token in use",
            json_content(DoneSchema),
            problems=(*STORED, "token-not-found", "forbidden"),
            tag="users",
        )
    }
