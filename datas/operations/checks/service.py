"""Checks of the settings, and of those who can reach the server."""

import os
import re
import socket
from pathlib import Path

from datas.domain.access import Mode
from datas.operations.checks.context import Context, Findings, fault, quoted, warning
from datas.settings import unknown_names


def settings(context: Context) -> Findings:
    """All settings are known and can be used."""
    for sentence in unknown_names().values():
        yield warning(*sentence.rsplit(". ", 1))
    for name, text in context.mistakes.items():
        yield fault(f"{name}: {text}", f"Correct it, or go back to its default: unset {name}.")


def secrets(context: Context) -> Findings:
    """No password is where others may read it."""
    url = context.settings.database_url
    if re.search(r"://[^/@]*:[^/@]+@|[?&](ssl)?password=[^&]", url):
        yield warning(
            "The database's URL holds a password. Programs that show the environment, or the "
            "command that sets it, show the password too.",
            "Leave it out of DATAS_DATABASE_URL. Put it into ~/.pgpass (chmod 600) or PGPASSWORD.",
        )
    file = Path(os.path.expanduser(os.environ.get("PGPASSFILE", "~/.pgpass")))  # noqa: PTH111
    if url.startswith("postgres") and file.is_file() and file.stat().st_mode & 0o077:
        yield warning(
            f"Others may read the passwords in {file}. PostgreSQL's driver ignores it therefore.",
            f"chmod 600 {quoted(file)}",
        )


def access(context: Context) -> Findings:
    """The access mode fits those who can reach the server."""
    if not context.is_served:
        return
    if context.settings.access == Mode.OPEN:
        severe = context.is_public and not context.explicit_access
        remedy = "Choose another DATAS_ACCESS, and make a first user: datas user add NAME."
        if context.explicit_access:
            remedy = "You asked for it by --access open. To let users alone write: --access owner."
        elif severe:
            remedy += " To keep open mode, say so on the command line: --access open."
        text = f"In open mode anybody who reaches {context.bind} may change everything."
        yield fault(text, remedy) if severe else warning(text, remedy)
    if context.settings.explain:
        yield warning(
            f"DATAS_EXPLAIN shows the statements that run, and their time, to anybody who reaches "
            f"{context.bind}.",
            "It is for learning on one's own machine: unset DATAS_EXPLAIN.",
        )
    if context.settings.registration == "open":
        yield warning(
            f"Anybody who reaches {context.bind} may register, and then write.",
            "To close it: DATAS_REGISTRATION=closed, and datas user add NAME.",
        )


def hosts(context: Context) -> Findings:
    """The server knows the host names of its clients' requests."""
    if context.settings.allowed_hosts:
        return
    if context.host is None or context.host.is_unspecified:
        yield warning(
            f"At {context.bind} the server answers for localhost alone. Requests to any other name "
            "or address get 421.",
            f"Name those that clients use: DATAS_ALLOWED_HOSTS={socket.gethostname()},…",
        )
