"""What `datas serve` runs gunicorn with (https://docs.gunicorn.org/en/stable/settings.html)."""

import ctypes
import os
import signal
import sys
from typing import Any

worker_class = "gthread"
# A client may keep its connection this many seconds without a request. It costs no thread.
keepalive = 15
# Seconds without a sign of life after which a worker is replaced; seconds for requests in flight
# to finish after SIGTERM.
timeout = 30
graceful_timeout = 20
limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 8190
# gunicorn's own lines: only what somebody must look at.
loglevel = "warning"
control_socket_disable = True
# No request may say where the app is mounted: the environment's SCRIPT_NAME does.
forwarder_headers = ""
script_name = os.environ["SCRIPT_NAME"] = os.environ.get("SCRIPT_NAME", "").rstrip("/")
# The app answers methods that it doesn't know, `get` among them, by 501 and a problem.
permit_unconventional_http_method = True
# A listening socket for each worker: Linux spreads connections over them evenly. With one for all
# the first worker to wake took most (49 of 64), and the others' few clients were served first.
reuse_port = sys.platform == "linux"


def post_fork(server: Any, worker: Any) -> None:
    """Let no worker outlive its master: an orphan would hold the port for half a minute."""
    if sys.platform != "linux":
        return
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    if os.getppid() != server.pid:
        os.kill(os.getpid(), signal.SIGKILL)


def pre_request(worker: Any, request: Any) -> None:
    """Lead a path outside of SCRIPT_NAME to nothing (404): gunicorn itself would fail (500)."""
    if script_name and not f"{request.path}/".startswith(f"{script_name}/"):
        request.path = f"{script_name}/..{request.path}"


def post_worker_init(worker: Any) -> None:
    """Say where it is, once the first worker is there."""
    if worker.age > 1:
        return
    host, port = worker.sockets[0].getsockname()[:2]
    local = host in ("127.0.0.1", "::1")
    where = "localhost" if local or host in ("0.0.0.0", "::") else host  # noqa: S104
    access = os.environ.get("DATAS_ACCESS", "authenticated")
    print(banner(f"http://{where}:{port}{script_name}", access, local=local), flush=True)


def banner(url: str, access: str, *, local: bool) -> str:
    """What somebody who starts it needs next."""
    anybody = "anybody on this machine" if local else "anybody who reaches it"
    means = {
        "open": f"{anybody} may change items",
        "authenticated": "users may change items",
        "owner": "users may change their own items",
        "private": "users see their own items alone",
    }[access]
    # Only a worker knows our modules: the master couldn't replace them for --reload.
    from datas.bootstrap import shown_url  # noqa: PLC0415

    database = shown_url(os.environ.get("DATAS_DATABASE_URL", "sqlite:///datas.db"))
    first, token = "; first user: datas user add NAME", ' -H "Authorization: Bearer $TOKEN"'
    if access == "open":
        first = token = ""
    # Not by the settings' reader: the master must load none of our modules.
    off = os.environ.get("DATAS_CONSOLE", "").lower() in {"0", "f", "false", "n", "no", "off"}
    console = "" if off else f"  Open it in a browser: {url}/\n"
    return (
        f"\n  Datas is running at   {url}/api/datas\n{console}"
        f"  Its items are kept in {database}\n"
        f"  Access:               {access}: {means} (DATAS_ACCESS){first}\n"
        f'  Create one:           curl {url}/api/datas{token} --json \'{{"data": "hello"}}\'\n'
        "  Stop it:              Ctrl+C\n"
    )
