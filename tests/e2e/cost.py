"""What requests cost, as a program to be run under valgrind: `python -m tests.e2e.cost FOLDER`.

The same requests go to Datas and to the barest Falcon app over the same table with the same SQL, so
that what is compared is what Datas adds, on whatever machine and Python.
"""

import gc
import io
import json
import os
import sys
import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import falcon
import orjson

from datas.adapters.explain import WsgiApp
from datas.bootstrap import build_app
from datas.settings import Settings
from tests.bench import floor
from tests.bench.tables import fill, texts
from tests.served import ROUTE

SIZE = 200
WARM_UP = 30  # until Python has specialised its bytecode


class Job(NamedTuple):
    """A request, and how often it is counted at least."""

    method: str
    path: str
    times: int = 100
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    app: str = "Datas"


BODY = b'{"data": "a text of about forty letters, as most are"}'
JOBS = {
    "get": Job("GET", f"{ROUTE}/7"),
    "get, as shipped": Job("GET", f"{ROUTE}/7", app="Datas as shipped"),
    "304": Job("GET", f"{ROUTE}/7", headers=(("HTTP_IF_NONE_MATCH", '"1"'),)),
    "list": Job("GET", f"{ROUTE}?limit=100", 10),
    "create": Job("POST", ROUTE, 30, BODY),
    "update": Job("PUT", f"{ROUTE}/8", 30, BODY),
}


def apps(folder: Path) -> dict[str, WsgiApp]:
    """Datas in two ways and the bare app, over a table of their own in this folder."""
    url = f"sqlite:///{folder}/cost.db"
    fill(url, texts(SIZE))
    os.environ["DATAS_DATABASE_URL"] = url  # the floor's
    quiet = Settings(database_url=url, access="open", log_level="warning")
    shipped = Settings(database_url=url, log_format="json")
    bare = falcon.App()
    bare.add_route(ROUTE, _List())
    bare.add_route(f"{ROUTE}/{{record_id:int}}", _One())
    return {"Datas": build_app(quiet), "Datas as shipped": build_app(shipped), "bare": bare}


def call(app: WsgiApp, job: Job, number: int = 0) -> str:
    """One request, as a server would make it; return its status. `number` makes its text new."""
    statuses: list[str] = []
    path, _, query = job.path.partition("?")
    body = job.body.replace(b"forty", b"f%05d" % number)
    environ = {
        "REQUEST_METHOD": job.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "RAW_URI": job.path,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        **dict(job.headers),
    }

    def start_response(status: str, headers: list[tuple[str, str]], error: object = None) -> None:
        statuses.append(status)

    b"".join(app(environ, start_response))
    return statuses[0]


class _One:
    def on_get(self, req: falcon.Request, resp: falcon.Response, record_id: int) -> None:
        _write(resp, floor.get(req.env, record_id))

    def on_put(self, req: falcon.Request, resp: falcon.Response, record_id: int) -> None:
        _write(resp, floor.replace(req.env, record_id))


class _List:
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        _write(resp, floor.page(req.env))

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        _write(resp, floor.create(req.env))


def _write(resp: falcon.Response, answer: floor.Answer) -> None:
    resp.status, content, headers = answer
    resp.data = None if content is None else orjson.dumps(content)
    resp.set_headers(headers)


def _in_a_child(work: Callable[[], object]) -> int:
    """Do the work in a fork of this process, and return its pid. valgrind counts for each."""
    pid = os.fork()
    if not pid:
        work()
        os._exit(0)
    os.waitpid(pid, 0)
    return pid


def _repeat(app: WsgiApp, job: Job, numbers: Iterable[int]) -> None:
    for number in numbers:
        call(app, job, number)


def main() -> None:
    """Print for each job, app and number of requests, which process did them."""
    built = apps(Path(sys.argv[1]))

    def warm_up() -> None:
        for job in JOBS.values():
            for label in (job.app, "bare"):
                _repeat(built[label], job, range(WARM_UP))

    # In a thread, with which its connections end: none may come into a fork.
    thread = threading.Thread(target=warm_up)
    thread.start()
    thread.join()
    gc.collect()
    gc.disable()  # when it runs depends on what else there is
    pids = {
        name: {
            label: {
                times: _in_a_child(partial(_repeat, built[label], job, range(times)))
                for times in (job.times, 3 * job.times)
            }
            for label in (job.app, "bare")
        }
        for name, job in JOBS.items()
    }
    print(json.dumps(pids))


if __name__ == "__main__":
    main()
