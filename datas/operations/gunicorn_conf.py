"""What `datas serve` runs gunicorn with (https://docs.gunicorn.org/en/stable/settings.html)."""

import json
import logging
import os
import shutil
import signal
import socket
import struct
import threading
import time
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from datas import logs
from datas.adapters.request_ring import RequestRing
from datas.operations import serving

# A module that the master has loaded is the same in all workers that it forks, so that neither
# SIGHUP nor --reload replaces it. That's why settings.py isn't loaded here.
_settings = json.loads(os.environ[serving.OWN_SETTINGS])

# A client may keep its connection this many seconds without a request. It costs no thread.
keepalive = 15
# Seconds that the master waits for workers, at Ctrl+C until it kills them. In a reload it would do
# nothing else for so long. At SIGTERM, and in a worker, `serving.GRACE` counts.
graceful_timeout = 1
limit_request_line = 8190
limit_request_fields = 64
logconfig_dict = logs.config(_settings["log_level"], _settings["log_format"])
control_socket_disable = True
# No request may say where the app is mounted: the environment's SCRIPT_NAME does.
forwarder_headers = ""
# Nor whether the client came by TLS: nothing here depends on it, and the check costs 3%.
forwarded_allow_ips = ""
script_name = os.environ["SCRIPT_NAME"] = os.environ.get("SCRIPT_NAME", "").rstrip("/")
# The app answers methods that it doesn't know, `get` among them, by 501 and a problem.
permit_unconventional_http_method = True

# The folder in which workers count together: a temporary one, if none is named.
own_metrics = ""
if _settings["metrics"]:
    if named := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        Path(named).mkdir(parents=True, exist_ok=True)
    else:
        own_metrics = mkdtemp(prefix="datas-metrics-")
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = own_metrics

SEND_BUFFER = 128 * 1024  # bytes, of which Linux makes twice as many
# How long the other end of a connection that closes may be silent, in seconds: after an answer to a
# whole request, and after one that came before the body was read.
LINGER, LINGER_UNREAD = 0.5, 2
# How much of such a body is dropped, so that the client gets to read the answer.
MAX_DROPPED, DROP_SECONDS = 16 * 1024 * 1024, 30


class Log(Logger):  # type: ignore[misc]
    """gunicorn's, without lines of requests: the app writes its own, at a tenth of the cost."""

    access_log_enabled = False


logger_class = Log


def _without_clients(record: logging.LogRecord) -> bool:
    """A silent client is no fault of the server's; of a bad request nothing is quoted."""
    if str(record.msg).startswith("Invalid request from ip="):
        record.msg = ": ".join(str(record.msg).split(": ")[:2])
    return not (record.exc_info and isinstance(record.exc_info[1], BlockingIOError))


logging.getLogger("gunicorn.error").addFilter(_without_clients)


class Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's, with two changes: how it ends, and how it closes a connection."""

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001 (gunicorn's signature)
        """At the end accept the connections that wait: the last close would reset them."""
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        for listener in self.sockets:
            before = -1
            while before != self.nr_conns:
                before = self.nr_conns
                self.accept(listener)
            listener.close()

    def handle(self, conn: Any) -> Any:
        """Wait here until the client closes: gunicorn's main thread would wait for two seconds."""
        kept = super().handle(conn)
        if not kept:
            unread = conn.parser and conn.parser.mesg and _has_unread_body(conn.parser.mesg)
            _drop_input(conn.sock.dup(), LINGER_UNREAD if unread else LINGER)
            # So the main thread finds nothing to wait for. If the client has closed, this raises an
            # OSError, and gunicorn closes as well.
            conn.sock.shutdown(socket.SHUT_RD)
        return kept


worker_class = Worker


def _has_unread_body(request: Any) -> bool:
    """Whether some of the body is still to come, or where it ends is unknown."""
    body = request.body
    # One of gunicorn's readers counts what is left; the other parses chunks until the last.
    left = getattr(body.reader, "length", 0) or getattr(body.reader, "parser", None)
    return bool(left or body.failed)


def _drop_input(sock: socket.socket, silence: float) -> None:
    """Read and drop what the client sends, until it closes its end (RFC 9112 §9.6).

    A close with input left unread resets the connection, and the client may lose the answer.
    """
    with sock, suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
        sock.settimeout(silence)
        end, left = time.monotonic() + DROP_SECONDS, MAX_DROPPED
        while left > 0 and time.monotonic() < end and (piece := sock.recv(65536)):
            left -= len(piece)


def when_ready(server: Any) -> None:
    """Set the connections' limits, what signals do, and what workers share."""
    server.first_age = 0
    if _settings["explain"]:
        serving.requests = RequestRing(is_shared=True)
    limit = struct.pack("ll", serving.CLIENT_TIMEOUT, 0)
    for listener in server.LISTENERS:
        # Connections inherit these. A client that is gone without a word would hold a thread.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        # A third of it must have gone out in that time: of the kernel's 4 MB slow clients can't.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    _set_signals(server)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP)  # `datas serve` blocked Ctrl+C


def _set_signals(server: Any) -> None:
    """SIGTERM fails readiness at once, and stops the server after the drain.

    Python runs these handlers also while gunicorn waits for old workers in a reload.
    """
    put: Any = signal.getsignal(signal.SIGTERM)  # gunicorn's own, for its main loop
    in_terminal = os.isatty(0)

    def drain(signum: int, frame: Any) -> None:
        server.cfg.set("graceful_timeout", serving.GRACE)
        if serving.is_draining():  # a second SIGTERM stops at once
            put(signum, frame)
        serving.draining[0] = 1
        # Python's queue, which the main loop waits for, may else wait without an end: it computes
        # a negative time if a signal comes when its second is over, and takes that for none.
        server.wakeup()
        signal.setitimer(signal.ITIMER_REAL, _settings["drain_seconds"] or 0.001)

    def reload(signum: int, frame: Any) -> None:
        gone = in_terminal and not os.isatty(0)  # the terminal that the server was started in
        put(signal.SIGINT if gone else signum, frame)

    signal.signal(signal.SIGTERM, drain)
    signal.signal(signal.SIGALRM, lambda _, frame: put(signal.SIGTERM, frame))
    signal.signal(signal.SIGHUP, reload)
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)  # it would start a second master


_STOP = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}
# At a fork these wait until the worker has its own handlers. With the master's it would lose them,
# and a master that stops would wait for it for all of `serving.GRACE`.
os.register_at_fork(
    before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, _STOP),
    after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP),
)


def on_reload(server: Any) -> None:
    """Note which workers are of the new generation."""
    server.first_age = server.worker_age + 1
    if serving.is_draining():
        server.cfg.set("graceful_timeout", serving.GRACE)


def post_fork(server: Any, worker: Any) -> None:
    """Let requests in flight finish when the worker ends."""
    worker.cfg.set("graceful_timeout", serving.GRACE)
    serving.threads = worker.cfg.threads
    serving.exit_with_parent(server.pid)


def child_exit(server: Any, worker: Any) -> None:
    """Replace a dead worker at once: gunicorn counts those that are still ending as well."""
    if server.LISTENERS:  # else the server stops
        young = [each for each in server.WORKERS.values() if each.age >= server.first_age]
        for _ in range(server.num_workers - len(young)):
            server.spawn_worker()


def worker_int(worker: Any) -> None:
    """With --reload, cut requests off after a second: the new worker waits for this one's end."""
    timer = threading.Timer(1, os._exit, [0])
    timer.daemon = True
    timer.start()


def worker_exit(server: Any, worker: Any) -> None:
    """Cut off requests that had their time, or that Ctrl+C ends.

    Else their threads go on, and at their end write into a descriptor of gunicorn's that is closed:
    its number may be the database's by then.
    """
    if worker.nr_conns > len(worker.keepalived_conns):
        os._exit(0)


def on_exit(server: Any) -> None:
    if own_metrics:
        shutil.rmtree(own_metrics, ignore_errors=True)


def pre_request(worker: Any, request: Any) -> None:
    """Put back the prefix that a proxy stripped; close after an answer to an unread body."""
    if script_name and not f"{request.path}/".startswith(f"{script_name}/"):
        request.path = f"{script_name}{request.path}"
    if _has_unread_body(request):
        should_close = request.should_close
        # gunicorn asks when it sends the answer's head, and when the answer is complete.
        request.should_close = lambda: _has_unread_body(request) or should_close()


def post_worker_init(worker: Any) -> None:
    """Hear signals, and say where the server is, once the first worker is there."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP)
    if worker.age == 1:
        host, port = worker.sockets[0].getsockname()[:2]
        from datas.operations.banner import print_banner  # noqa: PLC0415 (not for the master)

        print_banner(host, port, script_name, _settings)
