"""What `datas serve --server granian` runs (https://github.com/emmett-framework/granian)."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import MPServer

from datas import logs
from datas.operations import serving

MAX_HEAD = 64 * 1024  # bytes
HEAD_TIMEOUT = 10_000  # milliseconds for a whole head
MAX_CONNECTIONS = 1000  # of a worker

_MASTER = "GRANIAN_MASTER"  # its process id
_script_name = os.environ.get("SCRIPT_NAME", "").rstrip("/")


class Server(MPServer):
    """granian's, which after SIGTERM serves on for a moment while readiness fails."""

    def signal_handler_interrupt(self, signum: int, *rest: Any) -> None:
        """Stop: when somebody asks twice, and at Ctrl+C, without waiting for requests."""
        stop = super().signal_handler_interrupt
        if signum == signal.SIGINT:
            self.workers_kill_timeout = 1
        if signum == signal.SIGINT or serving.is_draining():
            stop()  # type: ignore[no-untyped-call]
        else:
            end = threading.Timer(serving.drain(), stop)
            end.daemon = True
            end.start()


def run(host: str, port: int, workers: int, threads: int) -> None:
    """Serve until SIGTERM or Ctrl+C."""
    # Workers are to share what says that the server is stopping.
    multiprocessing.set_start_method("fork")
    os.environ[_MASTER] = str(os.getpid())
    os.register_at_fork(after_in_child=_forget_handlers)
    for unwanted in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU):
        signal.signal(unwanted, signal.SIG_IGN)
    server = Server(
        "datas.operations.granian_server:make_app",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        factory=True,
        workers=workers,
        blocking_threads=threads,
        backpressure=MAX_CONNECTIONS,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEAD_TIMEOUT, max_buffer_size=MAX_HEAD),
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=serving.GRACE,
        log_level=LogLevels.warning,
        log_dictconfig=logs.config(
            os.environ.get("DATAS_LOG_LEVEL", "info"), os.environ.get("DATAS_LOG_FORMAT", "")
        ),
    )
    server.on_startup(lambda: serving.greet(host, port, _script_name))
    server.on_shutdown(serving.clean_up)
    server.serve()


def _forget_handlers() -> None:
    """Let a worker that is asked to stop while it starts stop, not note it for a master."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def make_app() -> Callable[..., Iterable[bytes]]:
    """The app, in a worker. SCRIPT_NAME is where it is mounted, whatever a request says."""
    serving.die_with(int(os.environ[_MASTER]))
    from datas.wsgi import app  # noqa: PLC0415 (the master is to open nothing)

    if not _script_name:
        return app

    def mounted(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        inside = f"{path}/".startswith(f"{_script_name}/")
        # Outside there is nothing (404).
        environ["PATH_INFO"] = path[len(_script_name) :] if inside else f"/..{path}"
        environ["SCRIPT_NAME"] = _script_name
        return app(environ, start_response)

    return mounted
