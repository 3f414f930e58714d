"""The console at `/`: the page and its files, as the server gives them."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from falcon.testing import TestClient

from datas.http.resources.pages import WEB
from tests.http.conftest import make_world

ROOT = Path(__file__).parents[2]
FOLDER = WEB / "console"
FILES = sorted(path.name for path in FOLDER.iterdir() if path.name != "index.html")
LESSONS = json.loads((FOLDER / "lessons.json").read_text(encoding="utf-8"))
SOURCES = json.loads((FOLDER / "sources.json").read_text(encoding="utf-8"))
ENGLISH = json.loads((FOLDER / "texts.en.json").read_text(encoding="utf-8"))
KEYS = list(ENGLISH["page"])
LANGUAGES = sorted(FOLDER.glob("texts.*.json"))


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
    assert "curl -i http://localhost:8000/openapi.json" in text
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


def test_all_of_it_is_small() -> None:
    """Uncompressed, with what is loaded only when needed. A browser test measures the start."""
    assert sum((FOLDER / name).stat().st_size for name in [*FILES, "index.html"]) < 133_000


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
    """Two sentences of why, a hint, a standard, lines of code, and a place for each step."""
    assert len(LESSONS) == 16
    for lesson in LESSONS:
        texts, sources = ENGLISH["lessons"][lesson["id"]], SOURCES[lesson["id"]]
        assert len(re.findall(r"[.?](?= [A-Z]|$)", texts["why"])) == 2, texts["why"]
        assert texts["hint"]
        assert len(texts["steps"]) == len(lesson["tabs"].split())
        assert re.match(
            r"https://(www\.rfc-editor|datatracker\.ietf|www\.w3)\.org/", sources["rfc"][1]
        )
        assert sources["code"]


@pytest.mark.parametrize(
    ("file", "name"), [code.split() for each in SOURCES.values() for code in each["code"]]
)
def test_the_lines_that_a_lesson_names_are_there(file: str, name: str) -> None:
    """The file, and in it the function, or the method of the class."""
    within: ast.Module | ast.ClassDef = ast.parse((ROOT / file).read_text())
    *classes, function = name.split(".")
    for part in classes:
        [within] = [it for it in within.body if isinstance(it, ast.ClassDef) and it.name == part]
    assert function in [it.name for it in within.body if isinstance(it, ast.FunctionDef)]


def test_lessons_that_create_are_safe_to_repeat() -> None:
    """A browser sends a lost request again by itself, so a prepared one names a key."""
    for lesson in LESSONS:
        for request, place in zip(lesson["requests"], lesson["tabs"].split(), strict=False):
            if place == "send" and isinstance(request, dict) and request["method"] == "POST":
                assert "Idempotency-Key" in request["headers"], lesson["id"]


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.name)
def test_a_language_has_every_text(path: Path) -> None:
    """The same keys as English, the same {names} and the same number of steps."""
    texts = json.loads(path.read_text(encoding="utf-8"))
    assert _shape(texts) == _shape(ENGLISH)


def test_a_text_that_a_language_lacks_is_noticed() -> None:
    """The comparison sees a missing key, a missing step and a name that is written otherwise."""
    less, shorter, renamed = (json.loads(json.dumps(ENGLISH)) for _ in range(3))
    del less["page"]["send"]
    del shorter["lessons"]["create"]["steps"][0]
    renamed["page"]["record.edit"] = "{Noun} {id}"
    for texts in (less, shorter, renamed):
        assert _shape(texts) != _shape(ENGLISH)


def test_every_text_is_used_and_every_used_text_is_there() -> None:
    """`t("key")` in the scripts, `data-text="key"` in the page; a key may be put together there."""
    files = [
        path.read_text(encoding="utf-8") for path in FOLDER.iterdir() if path.suffix != ".json"
    ]
    source = "\n".join(files)
    used = set(re.findall(r'data-(?:text|label|hint)="([^"]+)"', source))
    used |= {key for key in re.findall(r'"([a-z]+(?:\.[a-z]+)+|[a-z]+)"', source) if key in KEYS}
    patterns = [it.replace(".", r"\.") for it in re.findall(r"t\(`([a-z.]+)\$\{", source)]
    used |= {key for key in KEYS if any(re.match(f"{start}", key) for start in patterns)}
    assert set(KEYS) - used == set()
    called = set(re.findall(r'\bt\("([^"]+)"', source)) | set(
        re.findall(r'data-(?:text|label|hint)="([^"]+)"', source)
    )
    assert called - set(KEYS) == set()


def _shape(texts: Any) -> Any:
    """The keys, and the {names} of each text."""
    if isinstance(texts, str):
        return sorted(re.findall(r"\{\w+\}", texts))
    if isinstance(texts, list):
        return [_shape(each) for each in texts]
    return {key: _shape(each) for key, each in texts.items()}
