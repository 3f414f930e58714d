"""What is logged, and how: JSON, or lines for people, on standard error.

A line for each request is made by `http/access_log.py`.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON, with the traceback inside."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
        line = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := getattr(record, "request_id", None):
            line["request_id"] = request_id
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, separators=(",", ":"))


def config(level: str, form: str) -> dict[str, Any]:
    """For `logging.config.dictConfig`: Datas, its server and Python's warnings in one form."""
    as_json = is_json(form)
    text = {"format": "%(asctime)s %(levelname)s %(message)s", "datefmt": "%H:%M:%S"}
    # A terminal doesn't show gunicorn's starts, workers and signals.
    server = level.upper() if as_json else "WARNING"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": JsonFormatter} if as_json else text},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"level": level.upper(), "handlers": ["stderr"]},
        # gunicorn has a level and handlers of its own.
        "loggers": {"gunicorn.error": {"level": server, "handlers": [], "propagate": True}},
    }


def is_json(form: str) -> bool:
    """Whether lines are JSON: on a terminal they are for people, if nothing else is asked for."""
    if form:
        return form == "json"
    return sys.stderr is None or not sys.stderr.isatty()
