"""What gunicorn's master and its workers share: the drain and the end."""

import ctypes
import mmap
import os
import signal
import sys

from datas.adapters.request_ring import RequestRing

# Seconds without a byte from a client, or to one, after which it is given up.
CLIENT_TIMEOUT = 30
# Seconds that requests in flight get to finish, after the last that is let in.
GRACE = 20

# The variable by which `datas serve` hands over its settings, as JSON, with what the banner shows.
OWN_SETTINGS = "OWN_SETTINGS"
# The variable that says which file `datas serve` opened: no worker may use another.
OWN_DATABASE = "OWN_DATABASE_FILE"

# Threads of a worker; and, in explain mode, what keeps the newest requests.
threads = 1
requests: RequestRing | None = None

# Shared with the workers, which are forked: 1 from the moment that the server is asked to stop.
# Readiness fails from then on, so that load balancers choose another server.
draining = mmap.mmap(-1, 1)


def is_draining() -> bool:
    return draining[0] == 1


def exit_with_parent(parent: int) -> None:
    """End this worker when its parent ends: an orphan would hold the port for half a minute."""
    if sys.platform != "linux":
        return
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
