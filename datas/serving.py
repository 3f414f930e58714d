"""What each server that runs the app shares: its workers, its end, and its first words."""

import ctypes
import mmap
import os
import shutil
import signal
import sys
from contextlib import suppress
from ipaddress import ip_address

# Seconds without a byte from a client, or to one, after which it is given up.
CLIENT_TIMEOUT = 30
# Seconds that requests in flight get to finish, after the last that is let in.
GRACE = 20

# The variable that names the folder of metrics, where `datas serve` made it.
OWN_METRICS = "OWN_PROMETHEUS_MULTIPROC_DIR"
# The variable that says which file `datas serve` opened: no worker may use another.
OWN_DATABASE = "OWN_DATABASE_FILE"

# Shared with the workers, which are forked: 1 from the moment that the server is asked to stop.
_draining = mmap.mmap(-1, 1)


def drain() -> int:
    """Let readiness fail from now on; return for how many seconds requests are served yet.

    Who spreads requests over servers looks elsewhere meanwhile.
    """
    _draining[0] = 1
    return int(os.environ.get("DATAS_DRAIN_SECONDS", "2"))


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
    if folder := os.environ.get(OWN_METRICS):
        shutil.rmtree(folder, ignore_errors=True)


def greet(host: str, port: int, script_name: str) -> None:
    """Say where the server is, and what somebody who starts it needs next."""
    address = ip_address(host)
    where = f"[{host}]" if ":" in host else host
    if host in ("127.0.0.1", "::1") or address.is_unspecified:
        where = "localhost"
    access = os.environ.get("DATAS_ACCESS", "authenticated")
    text = banner(f"http://{where}:{port}{script_name}", access, local=address.is_loopback)
    # Whoever doesn't want to read it may have closed the other end.
    with suppress(OSError):
        print(text, flush=True)


def banner(url: str, access: str, *, local: bool) -> str:
    """The server's first words."""
    anybody = "anybody on this machine" if local else "anybody who reaches it"
    means = {
        "open": f"{anybody} may change items",
        "authenticated": "users may change items",
        "owner": "users may change their own items",
        "private": "users see their own items alone",
    }[access]
    # Only a worker loads our other modules: gunicorn's master couldn't replace them for --reload.
    from datas.bootstrap import redacted_url  # noqa: PLC0415 (see above)

    database = redacted_url(os.environ.get("DATAS_DATABASE_URL", "sqlite:///datas.db"))
    first, token = "; first user: datas user add NAME", ' -H "Authorization: Bearer $TOKEN"'
    if access == "open":
        first = token = ""
    # Not by the settings' reader, for the same reason.
    off = os.environ.get("DATAS_CONSOLE", "").lower() in {"0", "f", "false", "n", "no", "off"}
    console = "" if off else f"  Open it in a browser: {url}/\n"
    return (
        f"\n  Datas is running at   {url}/api/datas\n{console}"
        f"  Its items are kept in {database}\n"
        f"  Access:               {access}: {means} (DATAS_ACCESS){first}\n"
        f'  Create one:           curl {url}/api/datas{token} --json \'{{"data": "hello"}}\'\n'
        "  Stop it:              Ctrl+C\n"
    )
