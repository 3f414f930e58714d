"""Checks of what the server is told, and of whom it is open to."""

import os
import re
import socket
from pathlib import Path

from datas.cli.checks.case import Case, Finding, Findings, Sign, quoted, warning
from datas.domain.access import Mode


def settings(case: Case) -> Findings:
    """All settings are known and can be used."""
    yield from case.mistakes


def secrets(case: Case) -> Findings:
    """No password stands where others may read it."""
    url = case.settings.database_url
    if re.search(r"://[^/@]*:[^/@]+@|[?&](ssl)?password=[^&]", url):
        yield warning(
            "The database's URL holds a password, which whatever shows the environment, or the "
            "command that sets it, shows too.",
            "Leave it out of DATAS_DATABASE_URL. Put it into ~/.pgpass (chmod 600) or PGPASSWORD.",
        )
    file = Path(os.path.expanduser(os.environ.get("PGPASSFILE", "~/.pgpass")))  # noqa: PTH111
    if url.startswith("postgres") and file.is_file() and file.stat().st_mode & 0o077:
        yield warning(
            f"Others may read the passwords in {file}; PostgreSQL's driver ignores it therefore.",
            f"chmod 600 {quoted(file)}",
        )


def access(case: Case) -> Findings:
    """Who may do what fits who can reach the server."""
    if not case.is_served:
        return
    if case.settings.access == Mode.OPEN:
        yield Finding(
            Sign.FAULT if case.is_public and not case.asked else Sign.WARNING,
            f"In open mode anybody who reaches {case.bind} may change everything.",
            "Choose another DATAS_ACCESS, and make a first user: datas user add NAME. If it is "
            "meant, say so on the command line: --access open.",
        )
    if case.settings.explain:
        yield warning(
            f"DATAS_EXPLAIN shows whoever reaches {case.bind} which statements run, and how long "
            "they take.",
            "It is for learning on one's own machine: unset DATAS_EXPLAIN.",
        )
    if case.settings.registration == "open":
        yield warning(
            f"Anybody who reaches {case.bind} may register, and then write.",
            "If that isn't meant: DATAS_REGISTRATION=closed, and datas user add NAME.",
        )


def hosts(case: Case) -> Findings:
    """The server knows the names by which it is reached."""
    alone = case.host is None or case.host.is_unspecified
    if alone and not case.settings.allowed_hosts:
        yield warning(
            f"At {case.bind} it answers for localhost alone; any other name or address gets 421.",
            f"Name those by which it is reached: DATAS_ALLOWED_HOSTS={socket.gethostname()},…",
        )


def proxies(case: Case) -> Findings:
    """Clients are told apart by their own addresses, as far as can be seen from here."""
    trusted, host = case.settings.trusted_proxies, case.host
    if trusted and (host is None or host.is_unspecified or host.is_global):
        yield warning(
            f"Who reaches {case.bind} past the proxies can make addresses up, to guess passwords.",
            "Let proxies alone reach it: --bind an address of their network, or else "
            "DATAS_TRUSTED_PROXIES=0.",
        )
    names = {*case.settings.allowed_hosts} - {"localhost", "127.0.0.1", "[::1]"}
    if names and not trusted and not case.is_public:
        yield warning(
            f"A proxy must be in front of {case.bind} (it answers for {min(names)}): all clients "
            "seem to have its address, and one's failed sign-ins count for all.",
            "If it adds to X-Forwarded-For: DATAS_TRUSTED_PROXIES=1.",
        )
