"""Metrics for Prometheus (https://prometheus.io/docs/concepts/metric_types/).

Workers keep them in files that they share, in PROMETHEUS_MULTIPROC_DIR, which `datas serve` makes:
whichever worker is asked tells of all.
"""

import os
from contextlib import suppress
from pathlib import Path

import falcon
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from datas import __version__
from datas.http.observation import Exchange

# Seconds: of a get, half a millisecond; of an import, half a minute.
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
# Any word can be sent as a method, and each would be kept for good.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """What happened with requests, counted, and told at `/metrics` to whoever can reach it."""

    produces = ("text/plain",)

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self._requests = Counter(
            "datas_http_requests", "Requests.", ("method", "route", "status"), registry=registry
        )
        self._seconds = Histogram(
            "datas_http_request_duration_seconds",
            "From a request's head to its answer; to its end, if that is streamed.",
            ("method", "route"),
            buckets=BUCKETS,
            registry=registry,
        )
        self._in_flight = Gauge(
            "datas_http_requests_in_flight",
            "Requests that are being answered.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._by_problem = {
            "wrong-credentials": Counter(
                "datas_sign_in_failures", "Sign-ins with wrong credentials.", registry=registry
            ),
            "storage-unavailable": Counter(
                "datas_database_errors",
                "Requests that the database could not serve.",
                registry=registry,
            ),
        }
        build = Gauge(
            "datas_build_info",
            "What runs here; the value is 1.",
            ("version",),
            multiprocess_mode="livemax",
            registry=registry,
        )
        build.labels(__version__).set(1)
        # Finding a metric by its labels costs more than counting.
        self._counted: dict[tuple[str, str | None, int], tuple[Counter, Histogram]] = {}

    def begin(self) -> None:
        """A request is there."""
        self._in_flight.inc()

    def end(self, exchange: Exchange) -> None:
        """It has been answered."""
        self._in_flight.dec()
        key = exchange.method, exchange.route, exchange.status
        counted = self._counted.get(key)
        if counted is None:
            counted = self._labelled(*key)
            if exchange.method in METHODS:
                self._counted[key] = counted
        requests, seconds = counted
        requests.inc()
        seconds.observe(exchange.seconds)
        if exchange.problem in self._by_problem:
            self._by_problem[exchange.problem].inc()

    def _labelled(self, method: str, route: str | None, status: int) -> tuple[Counter, Histogram]:
        labels = method if method in METHODS else "other", route or ""
        return self._requests.labels(*labels, status), self._seconds.labels(*labels)

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """All of them, of all workers."""
        resp.data = generate_latest(_of_all_workers() or self._registry)
        resp.content_type = CONTENT_TYPE_LATEST


def _of_all_workers() -> CollectorRegistry | None:
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not folder:
        return None
    for file in Path(folder).glob("gauge_live*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except OSError:
            # What a worker was at when it was killed isn't in flight any more. (Whoever has its id
            # now and is somebody else's is no worker. Another worker may be at the same.)
            with suppress(FileNotFoundError):
                mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
