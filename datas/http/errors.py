"""Errors become `application/problem+json` (RFC 9457) here, and nowhere else."""

import logging
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import falcon

from datas.domain.errors import (
    DomainError,
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


class ErrorHandlers:
    """Makes every error of an app a problem, whatever the request's Accept says."""

    def __init__(self, parts: "Parts") -> None:
        self._problems = parts.problems
        self._collections = [each.collection for each in parts.collections]

    def add_to(self, app: "falcon.App[Request, Any]") -> None:
        app.add_error_handler(Exception, self._handle_bug)
        app.add_error_handler(falcon.HTTPError, self._handle_falcon)
        app.add_error_handler(DomainError, self._handle_domain)
        app.add_error_handler(Refusal, self._handle_refusal)

    def _handle_refusal(
        self, req: Request, resp: falcon.Response, error: Refusal, _: dict[str, Any]
    ) -> None:
        resp.set_headers(dict(error.headers))
        self._write(req, resp, error.code, str(error), error.errors)
        resp.media |= error.members
        resp.status = falcon.code_to_http_status(resp.media["status"])

    def _handle_domain(
        self, req: Request, resp: falcon.Response, error: DomainError, _: dict[str, Any]
    ) -> None:
        if error.code not in self._problems:
            self._handle_bug(req, resp, error, _)
            return
        if isinstance(error, Unauthenticated | WrongCredentials):
            bad_token = isinstance(error, Unauthenticated) and error.bad_token
            resp.set_header("WWW-Authenticate", BAD_TOKEN if bad_token else CHALLENGE)
        if isinstance(error, TooManyAttempts):
            resp.set_header("Retry-After", str(error.retry_after))
        if isinstance(error, StorageUnavailable):
            known = {"request_id": req.id}
            _log.error("%s (request %s)", error, req.id, exc_info=error.__cause__, extra=known)
            resp.set_header("Retry-After", RETRY_AFTER)
        self._write(req, resp, error.code, _detail(req, error), getattr(error, "errors", None))

    def _handle_falcon(
        self, req: Request, resp: falcon.Response, error: falcon.HTTPError, _: dict[str, Any]
    ) -> None:
        """Falcon's own errors. They are few, since our code reads bodies and parameters."""
        path = _shortened(req.root_path + req.path)
        if isinstance(error, falcon.HTTPRouteNotFound | falcon.HTTPNotFound):
            places = ", ".join(
                f"{each.plural_title} are at {req.root_path}{each.route}"
                for each in self._collections
            )
            detail = (
                f"Nothing is at {path}. {places}, each under its id, a whole number from 1; "
                f"{req.root_path}/docs shows all that there is."
            )
            self._write(req, resp, "route-not-found", detail)
        elif isinstance(error, falcon.HTTPMethodNotAllowed):
            allowed = dict(error.headers or {})["Allow"]
            resp.set_header("Allow", allowed)
            detail = f"{req.method} is not possible at {path}. Use one of: {allowed}."
            self._write(req, resp, "method-not-allowed", detail)
        elif isinstance(error, falcon.HTTPInvalidHeader):
            self._write(req, resp, "invalid-header", f"{error.title}. {error.description}")
        elif type(error) is falcon.HTTPBadRequest:
            # Falcon raises it for one thing: a method that it does not know.
            detail = f"{_shortened(req.method)} is no method that this server knows."
            self._write(req, resp, "method-unknown", detail)
        else:
            self._handle_bug(req, resp, error, _)

    def _handle_bug(
        self, req: Request, resp: falcon.Response, error: Exception, _: dict[str, Any]
    ) -> None:
        text = "%s %s failed (request %s)"
        known = {"request_id": req.id}
        _log.error(text, req.method, req.route, req.id, exc_info=error, extra=known)
        detail = (
            "The server failed, and the fault is not yours. Nothing of what failed is shown here: "
            "give the request id to the operator of this server, whose log has the rest."
        )
        self._write(req, resp, "internal-error", detail)

    def _write(
        self,
        req: Request,
        resp: falcon.Response,
        code: str,
        detail: str,
        errors: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        problem = self._problems[code]
        req.problem = code
        # Remove what a responder set for a success: a transaction can still fail at its end.
        for name in ("ETag", "Link", "Location"):
            resp.delete_header(name)
        resp.set_header("Cache-Control", "no-store")
        resp.status = falcon.code_to_http_status(problem.status)
        resp.content_type = MEDIA_PROBLEM
        resp.media = {
            "type": f"{req.root_path}/problems/{code}",
            "title": problem.title,
            "status": problem.status,
            "detail": detail,
            "success": False,
            "msg": detail,
            **({"errors": errors} if errors else {}),
            "request_id": req.id,
        }


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
