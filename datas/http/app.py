"""The whole HTTP API on one screen."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import falcon
from falcon.routing import CompiledRouter

from datas.domain.access import Access
from datas.domain.accounts import Accounts
from datas.domain.idempotency import Idempotency
from datas.http.authentication import Authentication
from datas.http.errors import MEDIA_PROBLEM, ErrorHandlers
from datas.http.media import JSON
from datas.http.middleware import Accept, AllowedHosts, LastHeaders, Params, Response
from datas.http.observation import Observer, RequestEvents
from datas.http.operation import About
from datas.http.params import IdConverter
from datas.http.problems import Problem, read_problems
from datas.http.record_parts import RecordParts
from datas.http.request import Request
from datas.http.resources.accounts import (
    CurrentTokenResource,
    MeResource,
    PasswordResource,
    TokenResource,
    TokensResource,
    UsersResource,
)
from datas.http.resources.bulk import BulkResource
from datas.http.resources.pages import console_routes, docs_routes
from datas.http.resources.problem_pages import ProblemResource, ProblemsResource
from datas.http.resources.records import RecordResource, RecordsResource
from datas.http.resources.system import HealthResource, OpenApiResource, ReadinessResource

# Headers of an answer that a page of another origin may read.
EXPOSED = ("ETag", "Link", "Location", "X-Request-Id", "Retry-After", "Idempotency-Replayed")

App: TypeAlias = "falcon.App[Request, Response]"


@dataclass(frozen=True)
class Parts:
    """The parts of the API, already built."""

    collections: Sequence[RecordParts[Any]]
    idempotency: Idempotency
    accounts: Accounts
    access: Access
    check_storage: Callable[[], None]
    is_draining: Callable[[], bool] = bool
    title: str = "Datas"
    own_problems: Path | None = None  # a table like problems.toml
    allowed_hosts: Collection[str] = ()
    cors_origins: Collection[str] = ()
    trusted_proxies: int = 0
    bulk_lines: int = 10_000
    console: bool = True
    access_log: Observer | None = None
    metrics: Observer | None = None  # a resource too

    @cached_property
    def problems(self) -> Mapping[str, Problem]:
        return read_problems([each.body for each in self.collections], self.own_problems)


def create_app(parts: Parts) -> App:
    """The WSGI application over these parts. It opens nothing by itself."""
    app = falcon.App(request_type=Request, response_type=Response, router=Router())
    if observers := [each for each in (parts.access_log, parts.metrics) if each]:
        app.add_middleware(RequestEvents(observers, parts.trusted_proxies))
    app.add_middleware(AllowedHosts(parts.allowed_hosts))
    app.add_middleware(Authentication(parts.accounts, parts.access, parts.cors_origins))
    app.add_middleware(Accept())
    app.add_middleware(Params())
    app.add_middleware(LastHeaders(cors=bool(parts.cors_origins)))
    if parts.cors_origins:
        origins = "*" if "*" in parts.cors_origins else parts.cors_origins
        app.add_middleware(falcon.CORSMiddleware(origins, expose_headers=EXPOSED))
    app.req_options.strip_url_path_trailing_slash = True
    app.resp_options.media_handlers.update(dict.fromkeys((falcon.MEDIA_JSON, MEDIA_PROBLEM), JSON))
    places = [
        f"{each.collection.plural_title} are at {{root}}{each.collection.route}"
        for each in parts.collections
    ]
    ErrorHandlers(parts.problems, ", ".join(places)).add_to(app)

    for path, resource in _routes(parts).items():
        app.add_route(path, resource)
    app.add_sink(_answer_options, r"\*$")
    return app


def describe_app(parts: Parts) -> bytes:
    """The OpenAPI document of the application over these parts, as JSON."""
    document: OpenApiResource = _routes(parts)["/openapi.json"]
    return document.document()


def _routes(parts: Parts) -> dict[str, Any]:
    routes: dict[str, Any] = {}
    for each in parts.collections:
        routes |= _record_routes(parts, each)
    routes |= {
        "/api/users": UsersResource(parts.accounts),
        "/api/users/me": MeResource(parts.accounts),
        "/api/users/me/password": PasswordResource(parts.accounts),
        "/api/tokens": TokensResource(parts.accounts, parts.trusted_proxies),
        "/api/tokens/{token_id:id}": TokenResource(parts.accounts),
        "/api/tokens/current": CurrentTokenResource(parts.accounts),
        "/healthz": HealthResource(),
        "/readyz": ReadinessResource(parts.check_storage, parts.is_draining),
        "/problems": ProblemsResource(parts.problems),
        "/problems/{code}": ProblemResource(parts.problems),
        **docs_routes(),
        **(console_routes() if parts.console else {}),
        **({"/metrics": parts.metrics} if parts.metrics else {}),
    }
    plurals = [each.collection.plural for each in parts.collections]
    about = About(parts.title, plurals, parts.access, parts.problems)
    routes["/openapi.json"] = OpenApiResource(about, routes)
    return routes


def _record_routes(parts: Parts, records: RecordParts[Any]) -> dict[str, object]:
    route, plural = records.collection.route, records.collection.plural
    record = f"{route}/{{{records.collection.name}_id:id}}"  # such as /api/datas/{item_id:id}
    is_target = any(plural in each.collection.references.values() for each in parts.collections)
    return {
        route: RecordsResource(records, parts.idempotency),
        record: RecordResource(records, is_target=is_target),
        f"{route}/bulk": BulkResource(
            records, parts.accounts, parts.idempotency, parts.bulk_lines
        ),
        **{f"{record}/{path}": create(records) for path, create in records.resources.items()},
    }


def _answer_options(req: falcon.Request, resp: falcon.Response) -> None:
    """`OPTIONS *`, which is about the server as a whole (RFC 9110 §9.3.7)."""
    if req.method != "OPTIONS":
        raise falcon.HTTPMethodNotAllowed(["OPTIONS"])
    resp.status = falcon.HTTP_204
    resp.set_header("Allow", "OPTIONS")


class Router(CompiledRouter):
    """Falcon's router, with HEAD wherever GET is, and OPTIONS everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.options.converters["id"] = IdConverter

    def map_http_methods(self, resource: object, **kwargs: Any) -> Any:
        """The responders of a resource, by method."""
        methods: dict[str, Any] = dict(super().map_http_methods(resource, **kwargs))
        if "GET" in methods:
            methods["HEAD"] = methods["GET"]
        allow = ", ".join(sorted({*methods, "OPTIONS"}))

        def on_options(req: falcon.Request, resp: falcon.Response, **_: object) -> None:
            resp.status = falcon.HTTP_204
            resp.set_header("Allow", allow)

        methods["OPTIONS"] = on_options
        return methods
