"""The console at `/`: the page and its files, as the server gives them."""

import ast
import json
import re
from pathlib import Path

import pytest
from falcon.testing import TestClient

from datas.http.resources.pages import CONSOLE as FOLDER
from tests.http.conftest import make_world

ROOT = Path(__file__).parents[2]
FILES = sorted(path.name for path in FOLDER.iterdir() if path.name != "index.html")
LESSONS = json.loads((FOLDER / "lessons.json").read_text(encoding="utf-8"))


def test_the_page_is_html(client: TestClient) -> None:
    """With a policy that allows no script and no style but in this server's files."""
    answer = client.simulate_get("/", headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "unsafe" not in policy
    assert not re.search(r"<style|\s(?:style|on\w+)=", answer.text)
    assert re.findall(r"<script\b[^>]*>", answer.text) == [
        '<script type="module" src="/console/main.js">'
    ]


def test_without_scripts_the_page_says_what_to_do(client: TestClient) -> None:
    """It names a command, and pages that need none."""
    [text] = re.findall(r"<noscript>(.*?)</noscript>", client.simulate_get("/").text, re.DOTALL)
    assert "curl -i http://localhost:8000/api/datas" in text
    assert 'href="/problems"' in text


@pytest.mark.parametrize("root", ["", "/v1", '/"><script>'])
def test_the_page_names_its_files_where_it_is_mounted(client: TestClient, root: str) -> None:
    """From the root, so that a trailing slash changes nothing; and as text, whatever it is."""
    page = client.simulate_get("/", root_path=root).text
    safe = root.replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
    addresses = set(re.findall(r'(?:src|href)="([^"#]+)"', page))
    assert addresses
    assert all(address.startswith(f"{safe}/") for address in addresses)


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_revalidated_by_its_etag(client: TestClient, name: str) -> None:
    """In its own media type and in UTF-8; not sent again if it hasn't changed."""
    media_types = {"css": "text/css", "js": "text/javascript", "json": "application/json"}
    answer = client.simulate_get(f"/console/{name}")
    expected = media_types.get(name.rpartition(".")[2], "image/svg+xml")
    assert answer.headers["Content-Type"] == f"{expected}; charset=utf-8"
    assert answer.content == (FOLDER / name).read_bytes()
    again = client.simulate_get(
        f"/console/{name}", headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


def test_all_of_it_is_small(client: TestClient) -> None:
    """Under 100 kB, uncompressed."""
    sizes = [len(client.simulate_get(f"/console/{name}").content) for name in FILES]
    assert sum(sizes) + len(client.simulate_get("/").content) < 100_000


def test_nothing_is_loaded_from_elsewhere() -> None:
    """Other hosts stand in links and in names alone."""
    for path in FOLDER.iterdir():
        text = path.read_text(encoding="utf-8")
        loaded = re.findall(r"""(?:src=|url\(|import |from |fetch\()["']?(https?:)?//""", text)
        assert loaded == [], path.name


def test_it_can_be_turned_off() -> None:
    """Then there is nothing, as at any unknown address."""
    world = make_world(console=False)
    for path in ("/", "/console/main.js"):
        answer = world.client.simulate_get(path)
        assert answer.status_code == 404
        assert answer.json["type"] == "/problems/route-not-found"
    assert "/" not in world.client.simulate_get("/openapi.json").json["paths"]


def test_each_lesson_is_whole() -> None:
    """Two sentences of why, something to do, a hint, a standard, and lines of code."""
    assert len({lesson["id"] for lesson in LESSONS}) == len(LESSONS) == 12
    for lesson in LESSONS:
        assert len(re.findall(r"[.?](?= [A-Z]|$)", lesson["why"])) == 2, lesson["why"]
        assert lesson["steps"]
        assert lesson["hint"]
        assert re.match(r"https://(www\.rfc-editor|datatracker\.ietf)\.org/", lesson["rfc"]["url"])
        assert lesson["code"]


@pytest.mark.parametrize(
    ("file", "name"), [tuple(code) for lesson in LESSONS for code in lesson["code"]]
)
def test_the_lines_that_a_lesson_names_are_there(file: str, name: str) -> None:
    """The file, and in it the function, or the method of the class."""
    within: ast.Module | ast.ClassDef = ast.parse((ROOT / file).read_text())
    *classes, function = name.split(".")
    for part in classes:
        [within] = [it for it in within.body if isinstance(it, ast.ClassDef) and it.name == part]
    assert function in [it.name for it in within.body if isinstance(it, ast.FunctionDef)]
