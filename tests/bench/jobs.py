"""The jobs that are measured: what is sent, and what must come back.

Each job is a file of requests that wrk sends in turn. Before it is timed, one request of each kind
is sent by hand, and its answer looked at.
"""

import json
import random
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import Any, NamedTuple

from tests.bench.tables import NEEDLE, NEEDLES
from tests.served import ROUTE

IDS = 2_000  # so many different requests make a job
LIST = 100
MIX = {"get one": 85, "list of 20": 5, "create": 5, "update": 5}  # per cent


class Call(NamedTuple):
    """One request."""

    method: str
    path: str
    data: str | None = None  # of the item that is written
    headers: tuple[tuple[str, str], ...] = ()


class Api:
    """How Datas, and what is made like it, is spoken to."""

    root = ROUTE
    text = "data"  # the field that every record has
    change = "PUT"
    page = "limit={}"
    search = "limit=100&q={}"

    def __init__(self, token: str = "") -> None:
        self._token = token

    def item(self, number: int) -> str:
        """The path of an item."""
        return f"{self.root}/{number}"

    def items(self, answer: Any) -> Any:
        """The item or the items that an answer holds."""
        return answer["data"]

    def parts(self, call: Call) -> tuple[bytes, dict[str, str]]:
        """A call's body and headers."""
        headers = {"Host": "localhost", **dict(call.headers)}
        body = b""
        if call.data is not None:
            body = json.dumps({"data": call.data}).encode()
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
            headers |= {"Authorization": f"Bearer {self._token}"} if self._token else {}
        return body, headers

    def raw(self, call: Call) -> bytes:
        """A call as it goes over the wire."""
        body, headers = self.parts(call)
        lines = [f"{call.method} {call.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + body


class BooksApi(Api):
    """The library example's books, of nine fields."""

    root = "/api/books"
    text = "title"


class PocketBaseApi(Api):
    """PocketBase's own: other paths, and pages by number; it isn't asked to count."""

    root = "/api/collections/datas/records"
    change = "PATCH"
    page = "skipTotal=1&perPage={}"
    search = "skipTotal=1&perPage=100&filter=data~%22{}%22"

    def item(self, number: int) -> str:
        """Ids are texts of fifteen characters."""
        return f"{self.root}/{number:015}"

    def items(self, answer: Any) -> Any:
        """Items stand under a name of their own, one item under none."""
        return answer.get("items", answer)


class Job(NamedTuple):
    """Requests that are timed, for a table of this size."""

    name: str
    calls: Callable[[Api, int, str], Iterator[Call]]  # `str`: tells one round's texts from another
    status: tuple[int, ...] = (200,)
    seconds: int = 1  # that a round takes

    @property
    def is_refused(self) -> bool:
        """Whether wrk must count every answer as an error."""
        return min(self.status) >= 400


def _ids(size: int) -> list[int]:
    return random.Random(size).sample(range(1, size + 1), IDS)  # noqa: S311 (no secret)


def _get(api: Api, size: int, mark: str) -> Iterator[Call]:
    return (Call("GET", api.item(number)) for number in _ids(size))


def _unchanged(api: Api, size: int, mark: str) -> Iterator[Call]:
    known = (("If-None-Match", '"1"'),)
    return (Call("GET", api.item(number), headers=known) for number in _ids(size))


def _page(api: Api, size: int, mark: str) -> Iterator[Call]:
    yield Call("GET", f"{api.root}?{api.page.format(LIST)}")


def _search(api: Api, size: int, mark: str) -> Iterator[Call]:
    yield Call("GET", f"{api.root}?{api.search.format(NEEDLE.lower())}")


def _missing(api: Api, size: int, mark: str) -> Iterator[Call]:
    return (Call("GET", api.item(number + 10**9)) for number in _ids(size))


def _create(api: Api, size: int, mark: str) -> Iterator[Call]:
    yield Call("POST", api.root, f"The new text, of about forty letters, {mark}")


def _update(api: Api, size: int, mark: str) -> Iterator[Call]:
    """Each item in turn, and again with another text: what changes nothing would write nothing."""
    for turn in "ab":
        for number in _ids(size):
            yield Call(api.change, api.item(number), f"A changed text of {number}, {mark}{turn}")


def _mixed(api: Api, size: int, mark: str) -> Iterator[Call]:
    source = random.Random(size)  # noqa: S311 (no secret)
    ids = _ids(size)
    kinds = source.choices(list(MIX), weights=list(MIX.values()), k=IDS)
    for turn in "ab":
        for number, kind in zip(ids, kinds, strict=True):
            yield {
                "get one": Call("GET", api.item(number)),
                "list of 20": Call("GET", f"{api.root}?{api.page.format(20)}"),
                "create": Call("POST", api.root, f"A new text, {mark}"),
                "update": Call(api.change, api.item(number), f"A mixed text, {mark}{turn}"),
            }[kind]


JOBS = (
    Job("get one", _get),
    Job("304", _unchanged, (304,)),
    Job("list of 100", _page),
    Job("search", _search, seconds=3),
    Job("404", _missing, (404,)),
    Job("create", _create, (200, 201)),
    Job("update", _update),
    Job("90% reads", _mixed, (200, 201)),
)


def check(job: Job, api: Api, port: int, size: int) -> None:
    """Send one request of each kind. Raises: RuntimeError, if an answer isn't what it should be."""
    seen: set[tuple[str, str]] = set()
    for call in job.calls(api, size, "checked"):
        kind = (call.method, call.path.rpartition("/")[2].strip("0123456789"))
        if kind not in seen:
            seen.add(kind)
            status, answer = _ask(api, port, call)
            if fault := _fault(job, api, port, call, (status, answer)):
                raise RuntimeError(f"{job.name}: {call} was answered {status}, {fault}: {answer}")


def _fault(job: Job, api: Api, port: int, call: Call, answered: tuple[int, Any]) -> str:
    """What is wrong with an answer; nothing if nothing is."""
    status, answer = answered
    if status not in job.status:
        return f"not {job.status}"
    if status >= 300:
        return ""
    found = api.items(answer)
    if call.data is not None:
        kept = api.items(_ask(api, port, Call("GET", f"{api.root}/{found['id']}"))[1])
        return "" if found["data"] == kept["data"] == call.data else f"and there is {kept}"
    if "?" not in call.path:
        return "" if call.path.endswith(f"/{found['id']}") and found[api.text] else "another record"
    wanted = NEEDLES if job.name == "search" else LIST if "=100" in call.path else 20
    right = len(found) == wanted and all(it[api.text] for it in found)
    if job.name == "search":
        right = right and all(NEEDLE in it["data"] for it in found)
    return "" if right else f"not {wanted} records"


def _ask(api: Api, port: int, call: Call) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    body, headers = api.parts(call)
    connection.request(call.method, call.path, body or None, headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, json.loads(content) if content else None
