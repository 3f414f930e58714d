"""What gunicorn's master and its workers share: the drain, the end, and the first words."""

import ctypes
import mmap
import os
import shutil
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from tempfile import TemporaryFile
from typing import IO, Any

# Seconds without a byte from a client, or to one, after which it is given up.
CLIENT_TIMEOUT = 30
# Seconds that requests in flight get to finish, after the last that is let in.
GRACE = 20

# The variables by which `datas serve` hands over its settings, as JSON, with `has_users`; and the
# folder of metrics, where it made one.
OWN_SETTINGS = "OWN_SETTINGS"
OWN_METRICS = "OWN_PROMETHEUS_MULTIPROC_DIR"
# The variable that says which file `datas serve` opened: no worker may use another.
OWN_DATABASE = "OWN_DATABASE_FILE"

# Threads of a worker; and, in explain mode, what `datas.adapters.request_ring` keeps requests in.
threads = 1
request_memory: tuple[mmap.mmap, IO[bytes]] | None = None
REQUEST_MEMORY = 4 * 1024 * 1024  # bytes

# Shared with the workers, which are forked: 1 from the moment that the server is asked to stop.
_draining = mmap.mmap(-1, 1)


def start_draining() -> None:
    """Let readiness fail from now on, so that load balancers choose another server."""
    _draining[0] = 1


def is_draining() -> bool:
    return _draining[0] == 1


def share_requests() -> None:
    """Make the memory, before the workers are forked. The file, which stays empty, is its lock."""
    global request_memory  # noqa: PLW0603 (made once)
    request_memory = mmap.mmap(-1, REQUEST_MEMORY), TemporaryFile()  # noqa: SIM115


def exit_with_parent(parent: int) -> None:
    """End this worker when its parent ends: an orphan would hold the port for half a minute."""
    if sys.platform != "linux":
        return
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def clean_up() -> None:
    """Remove the folder of metrics, if `datas serve` made it."""
    if folder := os.environ.get(OWN_METRICS):
        shutil.rmtree(folder, ignore_errors=True)


def print_banner(host: str, port: int, script_name: str, settings: Mapping[str, Any]) -> None:
    """Say where the server is, and what a person who starts it needs next."""
    address = ip_address(host)
    where = f"[{host}]" if ":" in host else host
    if host in ("127.0.0.1", "::1") or address.is_unspecified:
        where = "localhost"
    text = _banner(f"http://{where}:{port}{script_name}", settings, local=address.is_loopback)
    with suppress(OSError):  # the reader may have closed the other end
        print(text, flush=True)


def _banner(url: str, settings: Mapping[str, Any], *, local: bool) -> str:
    route, records = f"{url}{settings['route']}", settings["records"]
    anybody = "anybody on this machine" if local else "anybody who reaches it"
    means = {
        "open": f"{anybody} may change {records}",
        "authenticated": f"users may change {records}",
        "owner": f"users may change their own {records}",
        "private": f"users see their own {records} alone",
    }[settings["access"]]
    # A worker may load it; gunicorn's master couldn't replace it for --reload.
    from datas.database_urls import redacted_url  # noqa: PLC0415 (see above)

    first, token = "; first user: datas user add NAME", ' -H "Authorization: Bearer $TOKEN"'
    if settings["has_users"]:
        first = ""
    if settings["access"] == "open":
        first = token = ""
    console = f"  Open it in a browser: {url}/\n" if settings["console"] else ""
    return (
        f"\n  {settings['title'] + ' is running at':<22}{route}\n{console}"
        f"  {'Its ' + records + ' are kept in':<21} {redacted_url(settings['database_url'])}\n"
        f"  Access:               {settings['access']}: {means} (DATAS_ACCESS){first}\n"
        f"  Create one:           curl {route}{token} --json '{settings['example']}'\n"
        "  Stop it:              Ctrl+C\n"
    )
