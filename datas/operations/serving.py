"""What gunicorn's master and its workers share: the drain and the end."""

import ctypes
import mmap
import os
import shutil
import signal
import sys

from datas.adapters.request_memory import Memory, make_memory

# Seconds without a byte from a client, or to one, after which it is given up.
CLIENT_TIMEOUT = 30
# Seconds that requests in flight get to finish, after the last that is let in.
GRACE = 20

# The variables by which `datas serve` hands over its settings, as JSON, with what the banner shows;
# and the folder of metrics, where it made one.
OWN_SETTINGS = "OWN_SETTINGS"
OWN_METRICS = "OWN_PROMETHEUS_MULTIPROC_DIR"
# The variable that says which file `datas serve` opened: no worker may use another.
OWN_DATABASE = "OWN_DATABASE_FILE"

# Threads of a worker; and, in explain mode, what `datas.adapters.request_ring` keeps requests in.
threads = 1
request_memory: Memory | None = None

# Shared with the workers, which are forked: 1 from the moment that the server is asked to stop.
_draining = mmap.mmap(-1, 1)


def start_draining() -> None:
    """Let readiness fail from now on, so that load balancers choose another server."""
    _draining[0] = 1


def is_draining() -> bool:
    return _draining[0] == 1


def share_requests() -> None:
    """Make the memory, before the workers are forked."""
    global request_memory  # noqa: PLW0603 (made once)
    request_memory = make_memory()


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
