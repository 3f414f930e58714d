"""Swagger UI at `/docs`: the page and its files, as the server gives them."""

import re
import sys

import pytest
from falcon.testing import TestClient

from datas.http.resources.pages import Layout, docs_routes
from tests.http.conftest import make_world

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
FILES = [path for path in docs_routes(Layout(make_world().parts)) if path != "/docs"]


def policy(client: TestClient, path: str) -> dict[str, list[str]]:
    """The Content-Security-Policy of a path: each directive with its sources."""
    text = client.simulate_get(path).headers["Content-Security-Policy"]
    directives = [directive.split() for directive in text.split(";")]
    return {name: sources for name, *sources in directives}


def addresses(html: str) -> list[str]:
    """Where a page leads to and what it loads."""
    return re.findall(r'(?:src|href|data-document)="([^"]*)"', html)


@pytest.mark.parametrize("accept", [BROWSER, "text/html", "*/*"])
@pytest.mark.parametrize("path", ["/docs", "/docs/"])
def test_the_page_is_html(client: TestClient, path: str, accept: str) -> None:
    """A document with a language, a title and a word for those without JavaScript."""
    answer = client.simulate_get(path, headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.text.startswith('<!DOCTYPE html>\n<html lang="en"')
    assert "<title>Datas" in answer.text
    assert '<meta name="description" content="Every request that Datas answers' in answer.text
    assert answer.text.count('<a href="/docs" aria-current="page">') == 1
    assert re.search(r"<noscript>.*openapi\.json.*</noscript>", answer.text, re.DOTALL)


def test_the_page_may_load_nothing_from_elsewhere(client: TestClient) -> None:
    """The policy names this server alone, and no script but in a file."""
    assert policy(client, "/docs") == {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
    }


def test_the_page_keeps_its_own_policy(client: TestClient) -> None:
    """Every script of it has an address, and no element a style or a handler."""
    html = client.simulate_get("/docs").text
    assert re.findall(r"<script\b[^>]*>", html) == re.findall(r"<script defer src=[^>]*>", html)
    assert not re.search(r"<style|\s(?:style|on\w+)=", html)


@pytest.mark.parametrize("root", ["", "/v1", "/a/b", '/"><script>'])
def test_the_page_names_its_files_where_it_is_mounted(client: TestClient, root: str) -> None:
    """From the root, so that a trailing slash changes nothing; and as text, whatever it is."""
    found = addresses(client.simulate_get("/docs", root_path=root).text)
    safe = root.replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
    others = ("/openapi.json", "/look.css", "/icon.svg", "/", "/docs", "/problems")
    assert set(found) == {f"{safe}{path}" for path in (*others, *FILES)}


@pytest.mark.parametrize(
    ("path", "accept", "media_type"),
    [
        ("/docs/swagger_style.css", "text/css,*/*;q=0.1", "text/css"),
        ("/docs/swagger_bundle.js", "*/*", "text/javascript"),
        ("/docs/init.js", "*/*", "text/javascript"),
    ],
)
def test_a_file_has_its_media_type(
    client: TestClient, path: str, accept: str, media_type: str
) -> None:
    """In UTF-8, with what a browser accepts; `nosniff` would refuse any other."""
    answer = client.simulate_get(path, headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == f"{media_type}; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.text


@pytest.mark.parametrize("path", FILES)
def test_a_file_that_has_not_changed_is_not_sent_again(client: TestClient, path: str) -> None:
    """304 with the same strong ETag, which another file doesn't have."""
    first = client.simulate_get(path)
    tag = first.headers["ETag"]
    assert re.fullmatch(r'"[0-9a-f]{32}"', tag)
    assert first.headers["Cache-Control"] == "no-cache"
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = client.simulate_get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == tag
        assert again.headers["Cache-Control"] == "no-cache"
    changed = client.simulate_get(path, headers={"If-None-Match": '"other"'})
    assert (changed.status_code, changed.content) == (200, first.content)
    tags = {client.simulate_get(file).headers["ETag"] for file in FILES}
    assert len(tags) == len(FILES)


@pytest.mark.parametrize("path", ["/docs", *FILES])
def test_head_tells_the_length_alone(client: TestClient, path: str) -> None:
    """The same headers as GET, and no body."""
    get, head = client.simulate_get(path), client.simulate_head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(get.content))


@pytest.mark.parametrize(
    "name", ["redoc.js", "__init__.py", "docs.js", "..%2Fapp.py", "init.js/x", "INIT.JS"]
)
def test_there_are_no_other_files(client: TestClient, name: str) -> None:
    """Neither of ours nor of others', whatever is asked of them."""
    for method, accept in (("GET", "*/*"), ("GET", "image/png"), ("FOO", "*/*")):
        answer = client.simulate_request(method, f"/docs/{name}", headers={"Accept": accept})
        assert answer.status_code == 404
        assert answer.json["type"] == "/problems/route-not-found"


def test_who_accepts_only_json_is_told(client: TestClient) -> None:
    """406: the page is for people, and the document is at another address."""
    for path in ("/docs", *FILES):
        answer = client.simulate_get(path, headers={"Accept": "application/json"})
        assert answer.status_code == 406
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_the_package_with_the_files_is_not_imported(client: TestClient) -> None:
    """Its import would keep ten megabytes of text in every worker."""
    for path in ("/docs", *FILES):
        assert client.simulate_get(path).status_code == 200
    assert "offapi" not in sys.modules
