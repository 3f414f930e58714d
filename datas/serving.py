"""What each server that runs the app shares: its workers, its end, and its first words."""

import ctypes
import mmap
import os
import shutil
import signal
import sys
from pathlib import Path

# Seconds without a byte from a client, or to one, after which its thread is freed.
CLIENT_TIMEOUT = 10
# Seconds that requests in flight get to finish, after the last that is let in.
GRACE = 20

METRICS_FOLDER = "datas-metrics-"

# Shared with the workers, which are forked: 1 from the moment that the server is asked to stop.
_draining = mmap.mmap(-1, 1)


def drain() -> float:
    """Let readiness fail from now on; return for how many seconds requests are served yet.

    Who spreads requests over servers looks elsewhere meanwhile.
    """
    _draining[0] = 1
    return float(os.environ.get("DATAS_DRAIN_SECONDS", "2"))


def is_draining() -> bool:
    """Whether this server was asked to stop."""
    return _draining[0] == 1


def die_with(parent: int) -> None:
    """Let this worker not outlive its parent: an orphan would hold the port for half a minute."""
    if sys.platform != "linux":
        return
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def clean_up() -> None:
    """Remove the folder of metrics, if `datas serve` made it."""
    folder = Path(os.environ.get("PROMETHEUS_MULTIPROC_DIR", ""))
    if folder.name.startswith(METRICS_FOLDER):
        shutil.rmtree(folder, ignore_errors=True)


def greet(host: str, port: int, script_name: str) -> None:
    """Say where the server is, and what somebody who starts it needs next."""
    local = host in ("127.0.0.1", "::1")
    where = "localhost" if local or host in ("0.0.0.0", "::") else host  # noqa: S104 (compared)
    access = os.environ.get("DATAS_ACCESS", "authenticated")
    print(banner(f"http://{where}:{port}{script_name}", access, local=local), flush=True)


def banner(url: str, access: str, *, local: bool) -> str:
    """The server's first words."""
    anybody = "anybody on this machine" if local else "anybody who reaches it"
    means = {
        "open": f"{anybody} may change items",
        "authenticated": "users may change items",
        "owner": "users may change their own items",
        "private": "users see their own items alone",
    }[access]
    # Only a worker knows our other modules: the master couldn't replace them for --reload.
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
