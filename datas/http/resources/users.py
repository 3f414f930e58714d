"""`/api/users` and `/api/tokens`: who is who, and the secrets that stand for them."""

import falcon

from datas.domain.access import Action
from datas.domain.accounts import Accounts
from datas.http.body import read_json
from datas.http.params import refuse_params
from datas.http.request import Request, counted
from datas.http.schemas import (
    CredentialsSchema,
    NewTokenSchema,
    OwnTokenSchema,
    PasswordChangeSchema,
    RegistrationSchema,
    UserSchema,
    envelope,
    load_user,
)

_REGISTRATION, _CREDENTIALS = RegistrationSchema(), CredentialsSchema()
_PASSWORD_CHANGE = PasswordChangeSchema()
_USER, _NEW_TOKEN, _OWN_TOKEN = UserSchema(), NewTokenSchema(), OwnTokenSchema()


class UsersResource:
    """All users."""

    actions = {"POST": None}

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def on_post(self, req: Request, resp: falcon.Response) -> None:
        """Register, where registration is open."""
        body = read_json(req)
        refuse_params(req)
        user = self._accounts.register(**load_user(_REGISTRATION, body), actor=req.actor)
        resp.status = falcon.HTTP_201
        resp.set_header("Location", f"{req.root_path}/api/users/me")
        resp.media = envelope(f"User [{user.username}] successfully created", _USER.dump(user))


class MeResource:
    """The user who asks."""

    actions = {"GET": Action.ACCOUNT}

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def on_get(self, req: Request, resp: falcon.Response) -> None:
        """Who am I?"""
        user = self._accounts.me(req.actor)
        resp.media = envelope(f"User [{user.username}] found", _USER.dump(user))


class PasswordResource:
    """The password of the user who asks."""

    actions = {"PUT": Action.ACCOUNT}

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def on_put(self, req: Request, resp: falcon.Response) -> None:
        """Change it, and revoke the user's other tokens."""
        body = read_json(req)
        refuse_params(req)
        self._accounts.change_password(req.actor, **load_user(_PASSWORD_CHANGE, body))
        resp.media = envelope("Password successfully changed", None)


class TokensResource:
    """The tokens of the user who asks."""

    actions = {"POST": None, "GET": Action.ACCOUNT}

    def __init__(self, accounts: Accounts, trusted_proxies: int) -> None:
        self._accounts = accounts
        self._trusted_proxies = trusted_proxies

    def on_post(self, req: Request, resp: falcon.Response) -> None:
        """Sign in: the answer has the token, this once."""
        body = read_json(req)
        refuse_params(req)
        address = counted(req.client_address(self._trusted_proxies))
        credentials = load_user(_CREDENTIALS, body)
        token, secret = self._accounts.sign_in(**credentials, address=address)
        resp.status = falcon.HTTP_201
        shown = {"id": token.id, "token": secret} | _NEW_TOKEN.dump(token)
        resp.media = envelope("Token successfully created", shown)

    def on_get(self, req: Request, resp: falcon.Response) -> None:
        """List them, without their secrets."""
        tokens = self._accounts.list_tokens(req.actor)
        shown = [
            _OWN_TOKEN.dump(token) | {"current": token.id == req.actor.token_id} for token in tokens
        ]
        resp.media = envelope(f"Tokens found ({len(shown)})", shown)


class TokenResource:
    """One token of the user who asks."""

    actions = {"DELETE": Action.ACCOUNT}

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def on_delete(self, req: Request, resp: falcon.Response, token_id: int | None = None) -> None:
        """Revoke it; without an id, the one in use."""
        revoked = self._accounts.revoke_token(req.actor, token_id)
        resp.media = envelope(f"Token [{revoked}] successfully revoked", None)
