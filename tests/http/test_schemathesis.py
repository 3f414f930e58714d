"""The app against its own document, in process: what fits it is done, what doesn't is refused."""

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis import AuthContext, Case
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from tests.http.conftest import World, make_world

SHIPPED = Path(__file__).parents[2] / "schemathesis.toml"
# Lines are sent as they are.
for media_type in ("application/x-ndjson", "text/csv"):

    @schemathesis.serializer(media_type)
    def _as_it_is(_: schemathesis.SerializationContext, value: Any) -> bytes:
        return value if isinstance(value, bytes) else str(value).encode(errors="replace")


EXAMPLES = 3  # of each operation, beside those that the document's bounds and examples make
SEED = 1


def config() -> SchemathesisConfig:
    """The shipped configuration, for every operation and a few examples."""
    settings = tomllib.loads(SHIPPED.read_text())
    del settings["auth"]
    settings["seed"] = SEED
    settings["cache"] = {"enabled": False}
    settings["generation"] |= {"max-examples": EXAMPLES, "database": "none"}
    # Its own requests can't be made in process; a real server gets them (tests/e2e).
    settings["checks"]["ignored_auth"] = {"enabled": False}
    settings["operations"] = [it | {"enabled": True} for it in settings["operations"]]
    return SchemathesisConfig.from_dict(settings)


def run(app: Any, token: Callable[[], str]) -> Iterator[tuple[str, int, list[str]]]:
    """Each scenario: its operation, how many requests it made, and what was found."""
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app, config=config())

    @schema.auth(refresh_interval=None)
    class FreshToken:
        """Another token for each request: one may have been revoked by the request before."""

        def get(self, case: Case[Any], context: AuthContext) -> str:
            return token()

        def set(self, case: Case[Any], data: str, context: AuthContext) -> None:
            case.headers["Authorization"] = f"Bearer {data}"

    for event in from_schema(schema).execute():
        assert not isinstance(event, events.NonFatalError | events.FatalError), event
        if isinstance(event, events.ScenarioFinished):
            recorder = event.recorder
            found = [
                f"{recorder.label}: {check.name}: {check.failure_info.failure}"
                for checks in recorder.checks.values()
                for check in checks
                if check.failure_info
            ]
            yield recorder.label, len(recorder.cases), found


@pytest.fixture
def world() -> World:
    """A world where much needs a token, and others' items aren't to be seen."""
    return make_world("private")


@pytest.mark.slow
def test_the_app_keeps_its_document(world: World) -> None:
    """Every operation is tried, in some hundred ways, and nothing is found."""
    scenarios = list(run(world.client.app, lambda: world.token("tester")))
    assert [line for _, _, found in scenarios for line in found] == []
    assert sum(requests for _, requests, _ in scenarios) > 500
    paths = world.client.simulate_get("/openapi.json").json["paths"]
    tried = {label for label, _, _ in scenarios}
    assert {f"{verb.upper()} {path}" for path, item in paths.items() for verb in item} <= tried


@pytest.mark.slow
def test_a_broken_promise_is_found(world: World) -> None:
    """The test above would not miss an answer without its ETag."""

    def forgetful(environ: Any, start_response: Any) -> Any:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [it for it in headers if it[0] != "etag"], *rest)

        return world.client.app(environ, start)

    lines = (line for *_, found in run(forgetful, lambda: world.token("tester")) for line in found)
    assert "response_headers_conformance" in next(lines)
