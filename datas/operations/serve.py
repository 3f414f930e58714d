"""`datas serve`: gunicorn, with the packaged configuration."""

import json
import os
import shlex
import signal
import socket
import sys
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import click

from datas.bootstrap import build_services
from datas.cli.settings import access_option, database_option, opened_database, read_settings
from datas.database_urls import is_postgresql, redacted_url
from datas.operations.checks import AFTER_OPENING, BEFORE_OPENING
from datas.operations.checks.context import Context
from datas.operations.doctor import bind_option, check_at_start
from datas.operations.serving import OWN_DATABASE, OWN_SETTINGS
from datas.served import Package, load_package
from datas.settings import Settings

BACKLOG = 2048  # connections that wait for a worker; gunicorn's own default


def _refuse_port(context: click.Context, option: click.Parameter, value: str | None) -> None:
    if value is not None:
        asked = f"--bind 127.0.0.1:{value}" if option.name == "port" else f"--bind {value}:8000"
        raise click.UsageError(f"Host and port are one option: {asked}", context)


@click.command()
@bind_option
@click.option("--port", "-p", hidden=True, expose_value=False, callback=_refuse_port)
@click.option("--host", hidden=True, expose_value=False, callback=_refuse_port)
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
@access_option
@click.option("--reload", is_flag=True, help="Restart when code changes, for development.")
def serve(  # noqa: PLR0913 (one for each option)
    bind: str,
    workers: int,
    threads: int,
    database: str | None,
    access: str | None,
    *,
    reload: bool,
) -> None:
    """Serve the API until Ctrl+C."""
    # The options are put into the environment, which the server inherits.
    settings = read_settings(database_url=database, access=access)
    context = Context(settings, bind, explicit_access=access is not None)
    check_at_start(context, BEFORE_OPENING, refuse=True)
    package = load_package(settings.collections)
    has_users = _prepare_database(settings, package)
    check_at_start(context, AFTER_OPENING, refuse=False)
    listener = _listening_socket(bind)
    _refuse_metrics(settings)
    known = {
        **asdict(settings),
        **package.first_request,
        "has_users": has_users,
        "add_user": _add_user(database),
        "access_from": _access_from(access),
    }
    os.environ[OWN_SETTINGS] = json.dumps(known)
    # A fresh interpreter: the master must hold no connection that workers could inherit, and of our
    # modules only `serving`, `logs` and `request_ring`, since --reload can't replace what it has.
    arguments = [
        *("--config", "python:datas.operations.gunicorn_conf"),
        *("--bind", f"fd://{listener.fileno()}"),
        *("--workers", str(workers), "--threads", str(threads)),
        *(["--reload"] if reload else []),
        "datas.wsgi:app",
    ]
    # Ctrl+C waits until gunicorn has a handler for it: it would be a traceback of an import.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *arguments])  # noqa: S606 (our own)


def _add_user(database: str | None) -> str:
    """The command for a first user: this program, on this database."""
    is_on_path = which("datas") == str(Path(sys.executable).with_name("datas"))
    program = "datas" if is_on_path else f"{shlex.quote(sys.executable)} -m datas"
    command = f"{program} user add NAME"
    if database is None:
        return command
    url = "URL" if is_postgresql(database) else shlex.quote(redacted_url(database))
    return f"{command} --database {url}"


def _access_from(access: str | None) -> str:
    if access is not None:
        return "--access"
    return "DATAS_ACCESS" if "DATAS_ACCESS" in os.environ else "default"


def _prepare_database(settings: Settings, package: Package) -> bool:
    """Bring the database up to date, and bind the workers to its file. Return if it has users.

    What would stop every worker stops the start instead, with a line that says why.
    """
    with opened_database(settings) as opened:
        opened.bring_up()
        os.environ[OWN_DATABASE] = opened.engine.file_id or ""
        return bool(build_services(settings, package, opened).accounts.list_users())


def _refuse_metrics(settings: Settings) -> None:
    if settings.metrics and find_spec("prometheus_client") is None:
        raise click.ClickException(
            "DATAS_METRICS needs prometheus-client. Install it: "
            "pip install 'prometheus-client>=0.22'"
        )


def _listening_socket(bind: str) -> socket.socket:
    """The one socket of all workers; port 0 becomes a free one.

    gunicorn would try five times, and print two lines each time, if another server has the port.
    """
    host, _, port = bind.rpartition(":")
    try:
        [(family, kind, *_, address), *_] = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM
        )
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # Two sockets may be bound to one port with SO_REUSEADDR, but only one of them can listen.
        listener.listen(BACKLOG)
    except (OSError, UnicodeError) as error:  # a label of a host name may be too long
        raise click.ClickException(
            f"{bind} can't be had: {error.args[-1]}. Stop what uses it, or choose another: "
            '--bind 127.0.0.1:9000 (make run ARGS="--bind 127.0.0.1:9000")'
        ) from None
    listener.set_inheritable(True)
    return listener
