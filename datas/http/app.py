"""The whole HTTP API on one screen."""

from typing import Any, TypeAlias

import falcon
import orjson
from falcon.media import JSONHandler

from datas.http.authentication import Authentication
from datas.http.errors import MEDIA_PROBLEM, ErrorHandler
from datas.http.faults import Faults
from datas.http.middleware import EXPOSED, AllowedHosts, LastHeaders, ResourceChecks, Response
from datas.http.observation import RequestEvents
from datas.http.parts import Parts, RecordParts
from datas.http.request import Request
from datas.http.resources import accounts, bulk, explain, pages, problem_pages, records, system
from datas.http.routing import Router, answer_options

App: TypeAlias = "falcon.App[Request, Response]"


def create_app(parts: Parts) -> App:
    """The WSGI application over these parts. It opens nothing by itself."""
    app = falcon.App(request_type=Request, response_type=Response, router=Router())
    if observers := [each for each in (parts.access_log, parts.metrics) if each]:
        app.add_middleware(RequestEvents(observers, parts.trusted_proxies))
    app.add_middleware(AllowedHosts(parts.allowed_hosts))
    if parts.requests:
        app.add_middleware(Faults(parts.delays))
    app.add_middleware(Authentication(parts.accounts, parts.access, parts.cors_origins))
    app.add_middleware(ResourceChecks())
    app.add_middleware(LastHeaders(cors=bool(parts.cors_origins)))
    if parts.cors_origins:
        origins = "*" if "*" in parts.cors_origins else parts.cors_origins
        app.add_middleware(falcon.CORSMiddleware(origins, expose_headers=EXPOSED))
    app.req_options.strip_url_path_trailing_slash = True
    json = JSONHandler(orjson.dumps, orjson.loads)
    app.resp_options.media_handlers.update(dict.fromkeys((falcon.MEDIA_JSON, MEDIA_PROBLEM), json))
    for kind in (Exception, falcon.HTTPError):  # Falcon has a handler of its own for the second
        app.add_error_handler(kind, ErrorHandler(parts))
    for path, resource in routes(parts).items():
        app.add_route(path, resource)
    app.add_sink(answer_options, r"\*$")
    return app


def routes(parts: Parts) -> dict[str, Any]:
    """Each path, with the resource whose methods answer there."""
    paths: dict[str, Any] = {}
    layout = pages.Layout(parts)
    for each in parts.collections:
        paths |= _record_routes(each, parts)
    paths |= {
        "/api/users": accounts.UsersResource(parts.accounts),
        "/api/users/me": accounts.MeResource(parts.accounts),
        "/api/users/me/password": accounts.PasswordResource(parts.accounts),
        "/api/tokens": accounts.TokensResource(parts.accounts, parts.trusted_proxies),
        "/api/tokens/{token_id:id}": accounts.TokenResource(parts.accounts),
        "/api/tokens/current": accounts.CurrentTokenResource(parts.accounts),
        "/healthz": system.HealthResource(),
        "/readyz": system.ReadinessResource(parts.check_storage, parts.is_draining),
        **problem_pages.problem_routes(layout, parts.problems),
        **pages.look_routes(),
        **pages.docs_routes(layout),
        **(pages.console_routes(layout) if parts.console else {}),
        **({"/metrics": parts.metrics} if parts.metrics else {}),
    }
    if parts.requests:
        paths["/explain/requests"] = explain.RequestsResource(parts.requests, parts)
    paths["/openapi.json"] = system.OpenApiResource(parts, paths)
    return paths


def _record_routes(each: RecordParts[Any], parts: Parts) -> dict[str, object]:
    """Such as `/api/datas`, `/api/datas/{item_id}` and `/api/datas/bulk`."""
    route, plural = each.collection.route, each.collection.plural
    record = f"{route}/{{{each.collection.name}_id:id}}"
    is_target = any(plural in other.collection.references.values() for other in parts.collections)
    return {
        route: records.RecordsResource(each, parts.idempotency),
        record: records.RecordResource(each, is_target=is_target),
        f"{route}/bulk": bulk.BulkResource(
            each, parts.accounts, parts.idempotency, parts.bulk_lines
        ),
        **{
            f"{record}/{path}": create(each, parts.idempotency)
            for path, create in each.resources.items()
        },
    }
