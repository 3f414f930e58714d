"""What `datas serve` runs gunicorn with (https://docs.gunicorn.org/en/stable/settings.html)."""

import ctypes
import logging
import os
import signal
import socket
import struct
import sys
import threading
from collections import Counter
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.sock import create_sockets
from gunicorn.workers.gthread import ThreadWorker

from datas import logs
from datas.operations import serving

# A client may keep its connection this many seconds without a request. It costs no thread.
keepalive = 15
# Seconds without a sign of life after which a worker is replaced.
timeout = 30
graceful_timeout = serving.GRACE
limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 8190
logconfig_dict = logs.config(
    os.environ.get("DATAS_LOG_LEVEL", "info"), os.environ.get("DATAS_LOG_FORMAT", "")
)
control_socket_disable = True
# No request may say where the app is mounted: the environment's SCRIPT_NAME does.
forwarder_headers = ""
# Nor whether the client came by TLS, which nothing here depends on: to look who may costs 3%.
forwarded_allow_ips = ""
script_name = os.environ["SCRIPT_NAME"] = os.environ.get("SCRIPT_NAME", "").rstrip("/")
# The app answers methods that it doesn't know, `get` among them, by 501 and a problem.
permit_unconventional_http_method = True

SEND_BUFFER = 128 * 1024  # bytes, of which Linux makes twice as many


class Log(Logger):  # type: ignore[misc]
    """gunicorn's, without lines of requests: the app writes its own, at a tenth of the cost."""

    access_log_enabled = False


logger_class = Log


class Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's, which at its end takes in who has connected already, and then refuses others."""

    slot: int

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001 (gunicorn's signature)
        """At the end, close what it listens to at once: who waits there would be cut off."""
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        while self.sockets:
            listener, before = self.sockets.pop(), -1
            if serving.is_draining():
                _admit_nobody(listener)
            while before != self.nr_conns:
                before = self.nr_conns
                self.accept(listener)
            listener.close()

    def handle(self, conn: Any) -> Any:
        """Take leave of a client in its own thread: for up to two seconds it may still send.

        gunicorn does it in its main thread, which meanwhile serves nobody.
        """
        kept = super().handle(conn)
        if not kept:
            conn.close(graceful=True)
            conn.close = _is_closed  # for gunicorn comes to do it again
        return kept


def _admit_nobody(listener: Any) -> None:
    """Let Linux drop what asks to connect; a second later it asks again, and is refused.

    Else who connects between the last look and the end would be cut off. It holds for the socket,
    whoever has it: at a reload the next worker goes on with it. (SO_ATTACH_FILTER, socket(7).)
    """
    if sys.platform == "linux":
        so_attach_filter, bpf_ret = 26, 6
        keep_nothing = ctypes.create_string_buffer(struct.pack("HBBI", bpf_ret, 0, 0, 0))
        program = struct.pack("HL", 1, ctypes.addressof(keep_nothing))
        listener.setsockopt(socket.SOL_SOCKET, so_attach_filter, program)


def _is_closed(*, graceful: bool = False) -> None:
    """Nothing is left to be done."""


worker_class = Worker


def on_starting(server: Any) -> None:
    """Make a listening socket for each worker: Linux spreads connections over them evenly.

    With one for all the first worker to wake took most (49 of 64), and the others' few clients were
    served first. The master keeps them, so that whoever waits at one whose worker ends is served by
    the next.
    """
    slots = server.cfg.workers if sys.platform == "linux" else 1
    fds = [_bound(address) for address in server.cfg.address for _ in range(slots)]
    server.LISTENERS = create_sockets(server.cfg, server.log, fds)
    for listener in server.LISTENERS:
        # Connections inherit these. A client that is gone without a word would hold a thread.
        limit = struct.pack("ll", serving.CLIENT_TIMEOUT, 0)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        # A third of it must have gone out in that time: of the kernel's 4 MB slow clients can't.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    # There are as many workers as sockets, for good; and a second master would have its own.
    server.handle_ttin = server.handle_ttou = server.handle_usr2 = lambda: None
    server.log.error_log.addFilter(_is_worth_telling)


def _bound(address: tuple[str, int]) -> int:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sys.platform == "linux":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(address)
        return bound.detach()


def _is_worth_telling(record: logging.LogRecord) -> bool:
    """A silent client is no fault of the server's; of a bad request nothing is quoted."""
    if str(record.msg).startswith("Invalid request from ip="):
        record.msg = ": ".join(str(record.msg).split(": ")[:2])
    return not (record.exc_info and isinstance(record.exc_info[1], BlockingIOError))


def when_ready(server: Any) -> None:
    """After SIGTERM, serve on for a moment while readiness fails; a second one ends that.

    SIGHUP loads anew; but if the terminal is gone in which the server was started, it ends.
    """
    reload, in_terminal = server.handle_hup, os.isatty(0)

    def handle_hup() -> None:
        if in_terminal and not os.isatty(0):
            server.handle_int()
        reload()

    def handle_term() -> None:
        if serving.is_draining():
            raise StopIteration
        signal.setitimer(signal.ITIMER_REAL, serving.drain() or 0.001)

    signal.signal(signal.SIGALRM, lambda *_: server.SIG_QUEUE.put(signal.SIGTERM))
    server.handle_term = handle_term
    server.handle_hup = handle_hup


def pre_fork(server: Any, worker: Any) -> None:
    """Give the worker the socket that the fewest others have."""
    taken = Counter(other.slot for other in server.WORKERS.values())
    slots = len(server.LISTENERS) // len(server.cfg.address)
    worker.slot = min(range(slots), key=lambda slot: taken[slot])
    worker.sockets = server.LISTENERS[worker.slot :: slots]


def post_fork(server: Any, worker: Any) -> None:
    """Keep nothing of the master's and of other workers'."""
    serving.die_with(server.pid)
    for listener in server.LISTENERS:
        if listener not in worker.sockets:
            listener.close()


def worker_int(worker: Any) -> None:
    """At Ctrl+C wait for nobody: after a second a request in flight is cut off."""
    impatience = threading.Timer(1, os._exit, [0])
    impatience.daemon = True
    impatience.start()


def on_exit(server: Any) -> None:
    """Leave nothing behind."""
    serving.clean_up()


def pre_request(worker: Any, request: Any) -> None:
    """Lead a path outside of SCRIPT_NAME to nothing (404): gunicorn itself would fail (500)."""
    if script_name and not f"{request.path}/".startswith(f"{script_name}/"):
        request.path = f"{script_name}/..{request.path}"


def post_worker_init(worker: Any) -> None:
    """Say where it is, once the first worker is there."""
    if worker.age == 1:
        host, port = worker.sockets[0].getsockname()[:2]
        serving.greet(host, port, script_name)
