"""`datas serve`: gunicorn, with the packaged configuration."""

import os
import socket
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

import click

from datas.cli.checks import AFTER, BEFORE, tell_at_start
from datas.cli.checks.case import Case
from datas.cli.settings import database_option, opened_database, read_settings
from datas.domain.access import Mode
from datas.serving import OWN_DATABASE, OWN_METRICS
from datas.settings import Settings

MAX_PORT = 65535


@click.command()
@click.option("--bind", metavar="HOST:PORT", default="127.0.0.1:8000", show_default=True)
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=min(4, os.cpu_count() or 1),
    show_default="one a core, at most 4",
    help="Processes.",
)
@click.option(
    "--threads", type=click.IntRange(1), default=4, show_default=True, help="Threads a worker."
)
@database_option
@click.option(
    "--access",
    type=click.Choice([mode.value for mode in Mode]),
    help="Who may do what [default: DATAS_ACCESS, or authenticated].",
)
@click.option(
    "--server",
    type=click.Choice(["gunicorn", "granian"]),
    default="gunicorn",
    show_default=True,
    help="granian is faster, and needs the extra `granian`.",
)
@click.option("--reload", is_flag=True, help="Restart when code changes, for development.")
def serve(  # noqa: PLR0913, PLR0917 (one for each option)
    bind: str,
    workers: int,
    threads: int,
    database: str | None,
    access: str | None,
    server: str,
    *,
    reload: bool,
) -> None:
    """Serve the API until Ctrl+C."""
    if access is not None:
        os.environ["DATAS_ACCESS"] = access
    settings = read_settings(database)
    case = Case(settings, bind, workers, asked=access is not None)
    tell_at_start(case, BEFORE)
    # What would stop every worker stops the start instead, with a line that says why.
    with opened_database(settings, auto_migrate=settings.auto_migrate) as opened:
        opened.bring_up()
        os.environ.pop(OWN_DATABASE, None)
        if file := opened.engine.file_id:
            os.environ[OWN_DATABASE] = file
    tell_at_start(case, AFTER)
    address, port = _free_address(bind)
    if server == "granian":
        run = _granian(settings, reload=reload)
        _share_metrics(settings)
        run(address, port, workers, threads)
        return
    _share_metrics(settings)
    # A fresh interpreter: the master must hold no connection that workers could inherit, and of our
    # modules only `serving` and `logs`, since --reload can't replace what it has.
    arguments = [
        *("--config", "python:datas.gunicorn_conf"),
        *("--bind", f"[{address}]:{port}" if ":" in address else f"{address}:{port}"),
        *("--workers", str(workers), "--threads", str(threads)),
        *(["--reload"] if reload else []),
        "datas.wsgi:app",
    ]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *arguments])  # noqa: S606 (our own)


def _granian(settings: Settings, *, reload: bool) -> Callable[[str, int, int, int], None]:
    if reload:
        raise click.UsageError("--reload is gunicorn's: leave --server granian out.")
    try:
        from datas.granian_server import run  # noqa: PLC0415 (the extra may be missing)
    except ImportError as error:
        raise click.ClickException(
            f"granian can't be loaded ({error}). Install it: pip install 'granian>=2'"
        ) from None
    if settings.trusted_proxies:
        click.echo(
            "Warning: granian takes a header X_Forwarded_For for X-Forwarded-For. The proxy must "
            "drop names with underscores, as nginx does, or clients can make addresses up.",
            err=True,
        )
    return run


def _share_metrics(settings: Settings) -> None:
    """Make the folder in which workers count together, unless there is one."""
    os.environ.pop(OWN_METRICS, None)
    if not settings.metrics:
        return
    if find_spec("prometheus_client") is None:
        raise click.ClickException(
            "DATAS_METRICS needs prometheus-client. Install it: "
            "pip install 'prometheus-client>=0.22'"
        )
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        Path(folder).mkdir(parents=True, exist_ok=True)
    else:
        os.environ[OWN_METRICS] = mkdtemp(prefix="datas-metrics-")
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = os.environ[OWN_METRICS]


def _free_address(bind: str) -> tuple[str, int]:
    """The address of a name, and its port (0 becomes a free one), if they can be had.

    gunicorn would tell after five tries and a traceback.
    """
    host, _, port = bind.rpartition(":")
    if not host or not port.isdecimal() or int(port) > MAX_PORT:
        raise click.BadParameter(
            f"{bind!r} is not HOST:PORT, such as 127.0.0.1:8000 (a port is at most 65535)"
        )
    try:
        [(family, kind, *_, address), *_] = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM
        )
        with socket.socket(family, kind) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            found: tuple[str, int] = trial.getsockname()[:2]
            return found
    except (OSError, OverflowError) as error:
        raise click.ClickException(
            f"{bind} can't be had: {error.args[-1]}. Stop what uses it, or choose another --bind."
        ) from None
