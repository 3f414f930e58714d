"""Metrics for Prometheus (https://prometheus.io/docs/concepts/metric_types/).

Workers keep them in shared files in PROMETHEUS_MULTIPROC_DIR, which `datas serve` makes. So every
worker can answer with the numbers of all.
"""

import os
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
from prometheus_client.multiprocess import MultiProcessCollector

from datas import __version__
from datas.http.observation import RequestRecord
from datas.http.operation import Operation

# Seconds: of a get, half a millisecond; of an import, half a minute.
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
# A client can send any word as a method, and a label stays for good.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """Counts requests, and answers `/metrics` with the counts."""

    produces = ("text/plain",)
    operations = {
        "GET": Operation(
            "getMetrics",
            "What Prometheus asks for",
            {"text/plain": {"schema": "Page"}},
            problems=("invalid-header",),
        )
    }

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
        # To find a metric by its labels costs more than to count.
        self._by_labels: dict[tuple[str, str | None, int], tuple[Counter, Histogram]] = {}

    def begin(self) -> None:
        self._in_flight.inc()

    def end(self, record: RequestRecord) -> None:
        self._in_flight.dec()
        key = record.method, record.route, record.status
        metrics = self._by_labels.get(key)
        if metrics is None:
            metrics = self._labelled(*key)
            if record.method in METHODS:
                self._by_labels[key] = metrics
        requests, seconds = metrics
        requests.inc()
        seconds.observe(record.seconds)
        if record.problem in self._by_problem:
            self._by_problem[record.problem].inc()

    def _labelled(self, method: str, route: str | None, status: int) -> tuple[Counter, Histogram]:
        labels = method if method in METHODS else "other", route or ""
        return self._requests.labels(*labels, status), self._seconds.labels(*labels)

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.data = generate_latest(_of_all_workers() or self._registry)
        resp.content_type = CONTENT_TYPE_LATEST


def _of_all_workers() -> CollectorRegistry | None:
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not folder:
        return None
    for file in Path(folder).glob("gauge_live*.db"):
        try:
            os.kill(int(file.stem.rpartition("_")[2]), 0)
        except OSError:
            # The requests of a killed worker are in flight no more. (A process of another user that
            # has the id now is no worker.)
            file.unlink(missing_ok=True)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
