"""The pages that an error's `type` opens."""

import re
from html.parser import HTMLParser

import pytest
from falcon.testing import Result, TestClient

from datas.http.resources.pages import POLICY
from tests.http.conftest import PROBLEMS, make_world
from tests.served import INVALID, NOT_FOUND, ROUTE

BASE = "http://localhost:8000"
FROM_CLIENTS = sorted(
    PROBLEMS.keys()
    - {"internal-error", "storage-unavailable", "server-stopping", "length-required"}
)
LINKS = ["/docs", "/problems"]  # of every header
VOID = {"meta", "link", "img", "input"}


class Page(HTMLParser):
    """A parsed page; one whose elements aren't closed in order is refused."""

    def __init__(self, answer: Result) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.links: list[str | None] = []  # of the page itself
        self.header: list[str | None] = []
        self.lang: str | None = None
        self.texts: dict[str, str] = {}
        self.feed(answer.text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that opens."""
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("h1", "h2"):
            self.headings.append(tag)
        if tag == "a":
            links = self.header if "header" in self.open else self.links
            links.append(dict(attrs)["href"])
        if tag == "html":
            self.lang = dict(attrs)["lang"]

    def handle_endtag(self, tag: str) -> None:
        """The last one that was opened ends."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text belongs to all elements around it."""
        for tag in set(self.open):
            self.texts[tag] = self.texts.get(tag, "") + data


def read(client: TestClient, path: str, accept: str = "*/*", **arguments: str) -> Result:
    """The answer to a GET, which must be a success."""
    answer = client.simulate_get(path, headers={"Accept": accept}, **arguments)
    assert answer.status_code == 200, answer.text
    return answer


def read_json(client: TestClient, path: str, **arguments: str) -> Result:
    """The same, as JSON."""
    answer = read(client, path, "application/json", **arguments)
    assert answer.headers["Content-Type"] == "application/json"
    return answer


@pytest.mark.parametrize("code", PROBLEMS)
def test_every_code_has_a_page(client: TestClient, code: str) -> None:
    """Well-formed, in a language, with headings, its status, its code and all that it says."""
    answer = read(client, f"/problems/{code}", "text/html,application/xhtml+xml,*/*;q=0.8")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    page, problem = Page(answer), PROBLEMS[code]
    text = page.texts["main"]
    assert page.lang == "en"
    assert page.texts["title"] == f"{problem.title} - Datas"
    assert page.texts["h1"] == problem.title
    assert page.headings == ["h1"] + ["h2"] * page.headings.count("h2")
    assert f"{problem.status} " in text
    assert code in text
    for said in (problem.meaning, problem.cause, problem.reference["title"]):
        assert said.replace("`", "") in text
    for example in (problem.server, problem.fails, problem.mended):
        assert example.replace("{url}", BASE) in text
    assert page.links == [problem.reference["url"], "/problems"]


@pytest.mark.parametrize("code", PROBLEMS)
def test_every_code_is_told_as_json(client: TestClient, code: str) -> None:
    """The same facts by name, for a client that asks for JSON."""
    problem = PROBLEMS[code]
    assert read_json(client, f"/problems/{code}").json == {
        "code": code,
        "status": problem.status,
        "title": problem.title,
        "meaning": problem.meaning,
        "cause": problem.cause,
        "server": problem.server,
        "fails": problem.fails.replace("{url}", BASE),
        "mended": problem.mended.replace("{url}", BASE),
        "reference": {"title": problem.reference["title"], "url": problem.reference["url"]},
    }


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("malformed-json", "in open mode"),
        ("method-not-allowed", "in open mode"),
        ("body-too-large", "in open mode"),
        ("unsupported-media-type", "in open mode"),
        ("forbidden", "A server to try it on"),
        ("invalid-parameter", ""),
        ("registration-closed", "A server to try it on"),
    ],
)
def test_a_page_says_which_server_its_examples_are_for(
    client: TestClient, code: str, said: str
) -> None:
    """One started as the page shows, or one in open mode if they write items, or any."""
    text = Page(read(client, f"/problems/{code}")).texts["main"]
    assert [each for each in ("in open mode", "A server to try it on") if each in text] == [
        each for each in (said,) if each
    ]


@pytest.mark.parametrize("code", PROBLEMS)
def test_nothing_on_a_page_is_left_empty(code: str) -> None:
    """Sentences end, curl asks this server, and the reference is a standard."""
    problem = PROBLEMS[code]
    assert problem.code == code
    assert problem.meaning.endswith(".")
    assert problem.cause.endswith(".")
    assert problem.meaning.count("`") % 2 == problem.cause.count("`") % 2 == 0
    assert bool(problem.fails) is (code in FROM_CLIENTS)
    for example in filter(None, (problem.fails, problem.mended)):
        assert example.count("curl ") == len(re.findall(r"curl [^|\n]*\{url\}/", example)) > 0
    assert problem.server == "" or "datas serve" in problem.server.splitlines()[-1]
    title, url = problem.reference["title"], problem.reference["url"]
    assert title
    assert re.fullmatch(r"https://(www\.rfc-editor|datatracker\.ietf)\.org/\S+#section-[\d.]+", url)


def test_the_index_links_every_page(client: TestClient) -> None:
    """As a page and as JSON; each link opens."""
    links = [f"/problems/{code}" for code in PROBLEMS]
    assert sorted(map(str, Page(read(client, "/problems")).links)) == sorted(links)
    listed = read_json(client, "/problems").json["problems"]
    assert [each["type"] for each in listed] == links
    assert [each["title"] for each in listed] == [each.title for each in PROBLEMS.values()]
    assert [each["status"] for each in listed] == [each.status for each in PROBLEMS.values()]
    for link in links:
        read(client, link)


@pytest.mark.parametrize("path", ["/problems", f"/problems/{INVALID}"])
def test_the_policy_allows_files_of_this_server_and_nothing_else(
    client: TestClient, path: str
) -> None:
    """As that of every page; JSON has the policy of everything that is no page."""
    answer = read(client, path)
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert not re.search(r"<style|\s(?:style|on\w+)=|<script(?! defer=\"defer\" src=)", answer.text)
    policy = read_json(client, path).headers["Content-Security-Policy"]
    assert policy == "default-src 'none'; frame-ancestors 'none'"


def test_the_index_is_in_groups_and_says_what_each_problem_means(client: TestClient) -> None:
    """A plain list, also without the script that searches it."""
    answer = read(client, "/problems")
    page = Page(answer)
    assert page.headings == ["h1"] + ["h2"] * 4
    groups = re.findall(r"<h2>(.*?)</h2>(.*?)</section>", answer.text, re.DOTALL)
    codes = {name: re.findall(r'href="/problems/([^"]+)"', text) for name, text in groups}
    assert all(codes.values())
    assert {"unauthenticated", "forbidden"} <= set(codes["Who may do it"])
    assert {NOT_FOUND, "version-mismatch"} <= set(codes["What is stored"])
    assert {"internal-error", "injected-fault"} <= set(codes["The server"])
    for problem in PROBLEMS.values():
        assert problem.code in page.texts["li"]
        assert problem.meaning.replace("`", "") in page.texts["li"]
    assert '<form id="search" role="search" hidden' in answer.text


@pytest.mark.parametrize("is_console", [True, False])
def test_the_header_leads_to_the_other_pages(*, is_console: bool) -> None:
    """And names the one that is open; a server without the console has no link to it."""
    client = make_world(console=is_console, title="Library").client
    for path in ("/problems", f"/problems/{INVALID}"):
        answer = read(client, path, "text/html")
        home, *links = Page(answer).header
        assert home == ("/" if is_console else "/problems")
        assert links == [*(["/"] if is_console else []), *LINKS]
        assert answer.text.count("aria-current") == 1
        assert answer.text.count('<a href="/problems" aria-current="page">') == 1
        assert "Library</a>" in answer.text
        assert re.search(r"<title[^>]*>[^<]* - Library</title>", answer.text)
        assert re.search(r'<meta[^>]* name="description" content="[A-Z]', answer.text)


def test_browsers_find_an_icon_that_no_page_names(client: TestClient) -> None:
    """They ask for it when JSON is opened."""
    icon = client.simulate_get("/favicon.ico", headers={"Accept": "image/avif,image/*,*/*;q=0.8"})
    assert (icon.status_code, icon.headers["Content-Type"]) == (200, "image/svg+xml; charset=utf-8")


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
@pytest.mark.parametrize("path", ["/problems", f"/problems/{INVALID}"])
def test_a_page_is_sent_once(client: TestClient, path: str, accept: str) -> None:
    """Whoever has it is told so; what depends on Accept says it, and has an ETag of its own."""
    first = read(client, path, accept)
    assert (first.headers["Vary"], first.headers["Cache-Control"]) == ("Accept", "no-cache")
    headers = {"Accept": accept, "If-None-Match": first.headers["ETag"]}
    again = client.simulate_get(path, headers=headers)
    assert (again.status_code, again.content) == (304, b"")
    for name in ("ETag", "Vary", "Cache-Control", "Content-Security-Policy"):
        assert again.headers[name] == first.headers[name]
    headers["Accept"] = "text/html" if accept == "application/json" else "application/json"
    assert client.simulate_get(path, headers=headers).status_code == 200


def test_an_unknown_code_has_no_page(client: TestClient) -> None:
    """A problem like any other, which tells where all codes are listed."""
    answer = client.simulate_get("/problems/no-such-code", root_path="/v1")
    assert (answer.status_code, answer.json["type"]) == (404, "/v1/problems/route-not-found")
    assert "/v1/problems lists all" in answer.json["detail"]


def test_a_page_is_html_or_json(client: TestClient) -> None:
    """Whoever accepts neither gets the problem that says so."""
    answer = client.simulate_get(f"/problems/{INVALID}", headers={"Accept": "image/png"})
    assert (answer.status_code, answer.json["type"]) == (406, "/problems/not-acceptable")


def test_pages_honour_script_name(client: TestClient) -> None:
    """Under a prefix, links and examples start with it."""
    page = Page(read(client, f"/problems/{INVALID}", root_path="/v1"))
    assert page.links[-1] == "/v1/problems"
    assert page.header == ["/v1/", "/v1/", *(f"/v1{path}" for path in LINKS)]
    assert f"curl {BASE}/v1{ROUTE} --json" in page.texts["pre"]
    assert (
        Page(read(client, "/problems", root_path="/v1")).links[0] == "/v1/problems/malformed-json"
    )
    shown = read_json(client, f"/problems/{INVALID}", root_path="/v1").json
    assert shown["mended"].startswith(f"curl {BASE}/v1{ROUTE} ")


def test_the_type_of_an_error_opens(client: TestClient) -> None:
    """What a client is told to read is there, under the title that it was told."""
    for path in (f"{ROUTE}/7", "/nowhere", f"{ROUTE}?limit=0"):
        error = client.simulate_get(path).json
        assert Page(read(client, error["type"])).texts["h1"] == error["title"]


def test_no_client_can_write_into_a_page(client: TestClient) -> None:
    """The prefix stands in the examples as text, whatever is in it."""
    page = Page(read(client, f"/problems/{INVALID}", root_path="/<script>\"'&"))
    assert "script" not in page.texts
    assert f"/<script>\"'&{ROUTE}" in page.texts["pre"]
