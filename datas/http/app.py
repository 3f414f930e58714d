"""The whole HTTP API on one screen."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeAlias

import falcon
from falcon.routing import CompiledRouter

from datas.domain.access import Access
from datas.domain.accounts import Accounts
from datas.domain.idempotency import Idempotency
from datas.domain.item_service import ItemService
from datas.domain.transfer import Transfer
from datas.http.authentication import Authentication
from datas.http.errors import MEDIA_PROBLEM, add_error_handlers
from datas.http.media import JSON
from datas.http.middleware import Accept, AllowedHosts, LastHeaders, Params, Response
from datas.http.observation import Observation, Observer
from datas.http.params import IdConverter
from datas.http.request import Request
from datas.http.resources.bulk import BulkResource
from datas.http.resources.console import console_routes
from datas.http.resources.docs import docs_routes
from datas.http.resources.items import ItemResource, ItemsResource
from datas.http.resources.openapi import OpenApiResource
from datas.http.resources.problems import ProblemResource, ProblemsResource
from datas.http.resources.system import HealthResource, ReadinessResource
from datas.http.resources.users import (
    MeResource,
    PasswordResource,
    TokenResource,
    TokensResource,
    UsersResource,
)

# What a page of another origin may read of an answer, beside its body.
EXPOSED = ("ETag", "Link", "Location", "X-Request-Id", "Retry-After", "Idempotency-Replayed")

App: TypeAlias = "falcon.App[Request, Response]"


@dataclass(frozen=True)
class Parts:
    """What the API is made of, already built."""

    items: ItemService
    transfer: Transfer
    idempotency: Idempotency
    accounts: Accounts
    access: Access
    check_storage: Callable[[], None]
    is_draining: Callable[[], bool] = bool
    allowed_hosts: Collection[str] = ()
    cors_origins: Collection[str] = ()
    trusted_proxies: int = 0
    bulk_lines: int = 100_000
    console: bool = True
    access_log: Observer | None = None
    metrics: Observer | None = None  # a resource too


def create_app(parts: Parts) -> App:
    """The WSGI application over these parts. It opens and reads nothing by itself."""
    app = falcon.App(request_type=Request, response_type=Response, router=Router())
    if observers := [each for each in (parts.access_log, parts.metrics) if each]:
        app.add_middleware(Observation(observers, parts.trusted_proxies))
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
    add_error_handlers(app)

    for path, resource in _routes(parts).items():
        app.add_route(path, resource)
    return app


def describe_app(parts: Parts) -> bytes:
    """The OpenAPI document of the application over these parts, as JSON."""
    return OpenApiResource(_routes(parts), parts.access).document()


def _routes(parts: Parts) -> dict[str, object]:
    routes: dict[str, object] = {
        "/api/datas": ItemsResource(parts.items, parts.idempotency),
        "/api/datas/{item_id:id}": ItemResource(parts.items),
        "/api/datas/bulk": BulkResource(parts.transfer, parts.idempotency, parts.bulk_lines),
        "/api/users": UsersResource(parts.accounts),
        "/api/users/me": MeResource(parts.accounts),
        "/api/users/me/password": PasswordResource(parts.accounts),
        "/api/tokens": TokensResource(parts.accounts, parts.trusted_proxies),
        "/api/tokens/{token_id:id}": TokenResource(parts.accounts),
        "/api/tokens/current": TokenResource(parts.accounts),
        "/healthz": HealthResource(),
        "/readyz": ReadinessResource(parts.check_storage, parts.is_draining),
        "/problems": ProblemsResource(),
        "/problems/{code}": ProblemResource(),
    }
    routes |= docs_routes()
    if parts.console:
        routes |= console_routes()
    if parts.metrics:
        routes["/metrics"] = parts.metrics
    routes["/openapi.json"] = OpenApiResource(routes, parts.access)
    return routes


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
