"""Errors become `application/problem+json` (RFC 9457) here, and nowhere else."""

import logging
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import falcon

from datas.domain.errors import (
    DomainError,
    InvalidFields,
    StorageUnavailable,
    TooManyAttempts,
    Unauthenticated,
    VersionMismatch,
    WrongCredentials,
    list_faults,
)
from datas.http.request import Request

if TYPE_CHECKING:
    from datas.http.parts import Parts

MEDIA_PROBLEM = "application/problem+json"
CHALLENGE = 'Bearer realm="datas"'
BAD_TOKEN = f'{CHALLENGE}, error="invalid_token"'
RETRY_AFTER = "1"  # seconds
MAX_SHOWN = 80  # characters of a client's text that an answer repeats
MAX_FAULTS = 20  # names at fault that an answer lists

_log = logging.getLogger("datas")


class Refusal(Exception):
    """A request that HTTP itself refuses, without the domain: a problem's code and its text."""

    def __init__(  # noqa: PLR0913 (the parts of a problem)
        self,
        code: str,
        detail: str = "",
        *,
        errors: Mapping[str, Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
        more_errors: int = 0,  # that `errors` leaves out
    ) -> None:
        errors = errors or {}
        # The names are the client's. Without a bound an answer can be many times its request.
        shown = {_shortened(name): faults for name, faults in islice(errors.items(), MAX_FAULTS)}
        more = len(errors) - len(shown) + more_errors
        super().__init__(detail or list_faults(shown) + (f" And {more} more." if more else ""))
        self.code = code
        self.errors = shown
        self.headers = headers or {}
        self.members = members or {}  # more members of the problem, or another `status`


class ErrorHandler:
    """Makes every error of an app a problem, whatever the request's Accept says."""

    def __init__(self, parts: "Parts") -> None:
        self._problems = parts.problems
        self._collections = [each.collection for each in parts.collections]

    def __call__(self, req: Request, resp: falcon.Response, error: Exception, _: Any) -> None:
        refusal = self._refusal(req, error)
        problem, detail = self._problems[refusal.code], str(refusal)
        req.problem = problem.code
        # Remove what a responder set for a success: a transaction can still fail at its end.
        for name in ("ETag", "Link", "Location"):
            resp.delete_header(name)
        resp.set_headers({"Cache-Control": "no-store", **refusal.headers})
        resp.content_type = MEDIA_PROBLEM
        resp.media = {
            "type": f"{req.root_path}/problems/{problem.code}",
            "title": problem.title,
            "status": problem.status,
            "detail": detail,
            "success": False,
            "msg": detail,
            **({"errors": refusal.errors} if refusal.errors else {}),
            "request_id": req.id,
            **refusal.members,
        }
        resp.status = falcon.code_to_http_status(resp.media["status"])

    def _refusal(self, req: Request, error: Exception) -> Refusal:
        if isinstance(error, Refusal):
            return error
        if isinstance(error, DomainError) and error.code in self._problems:
            return _of_domain(req, error)
        if isinstance(error, falcon.HTTPError) and (refusal := self._of_falcon(req, error)):
            return refusal
        text, known = "%s %s failed (request %s)", {"request_id": req.id}
        _log.error(text, req.method, req.route, req.id, exc_info=error, extra=known)
        return Refusal(
            "internal-error",
            "The server failed, and the fault is not yours. Nothing of what failed is shown here: "
            "give the request id to the operator of this server, whose log has the rest.",
        )

    def _of_falcon(self, req: Request, error: falcon.HTTPError) -> Refusal | None:
        """Falcon's own errors. They are few, since our code reads bodies and parameters."""
        path = _shortened(req.root_path + req.path)
        if isinstance(error, falcon.HTTPNotFound):
            places = ", ".join(
                f"{each.plural_title} are at {req.root_path}{each.route}"
                for each in self._collections
            )
            detail = (
                f"Nothing is at {path}. {places}, each under its id, a whole number from 1; "
                f"{req.root_path}/docs shows all that there is."
            )
            return Refusal("route-not-found", detail)
        if isinstance(error, falcon.HTTPMethodNotAllowed):
            headers = dict(error.headers or {})
            detail = f"{req.method} is not possible at {path}. Use one of: {headers['Allow']}."
            return Refusal("method-not-allowed", detail, headers=headers)
        if isinstance(error, falcon.HTTPInvalidHeader):
            return Refusal("invalid-header", f"{error.title}. {error.description}")
        if type(error) is falcon.HTTPBadRequest:
            # Falcon raises it for one thing: a method that it does not know.
            detail = f"{_shortened(req.method)} is no method that this server knows."
            return Refusal("method-unknown", detail)
        return None


def _of_domain(req: Request, error: DomainError) -> Refusal:
    headers = {}
    if isinstance(error, Unauthenticated | WrongCredentials):
        bad_token = isinstance(error, Unauthenticated) and error.bad_token
        headers["WWW-Authenticate"] = BAD_TOKEN if bad_token else CHALLENGE
    if isinstance(error, TooManyAttempts):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, StorageUnavailable):
        known = {"request_id": req.id}
        _log.error("%s (request %s)", error, req.id, exc_info=error.__cause__, extra=known)
        headers["Retry-After"] = RETRY_AFTER
    errors = error.errors if isinstance(error, InvalidFields) else None
    return Refusal(error.code, _detail(req, error), errors=errors, headers=headers)


def _detail(req: Request, error: DomainError) -> str:
    """The error's text, and which headers would help: only HTTP knows those."""
    if isinstance(error, VersionMismatch) and "W/" in req.env.get("HTTP_IF_MATCH", ""):
        return (
            f"{error} A weak ETag (W/) never matches If-Match: send it without the W/. A proxy "
            "that compresses answers makes ETags weak; let it leave these as they are."
        )
    if not isinstance(error, Unauthenticated):
        return str(error)
    if error.bad_token:
        return f"{error} Sign in without the Authorization header for a new token."
    return (
        f"{error} Sign in, and send the token: Authorization: Bearer datas_…. "
        "The operator of the server creates the first user by `datas user add NAME`."
    )


def _shortened(text: str) -> str:
    """A client's text, short enough for an answer."""
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
