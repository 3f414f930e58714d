"""What `datas serve` prints once its first worker can answer.

Only workers may load this module: what gunicorn's master has loaded, a reload can't replace.
"""

import socket
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

from datas.database_urls import database_file, redacted_url


def print_banner(host: str, port: int, script_name: str, settings: Mapping[str, Any]) -> None:
    """Say where the server is, and what the person who starts it needs next."""
    listening = ip_address(host)
    named = f"[{host}]" if ":" in host else host
    if host in ("127.0.0.1", "::1") or listening.is_unspecified:
        named = "localhost"
    kept = settings["database_url"]
    url, elsewhere = f"http://{named}:{port}{script_name}", ""
    if listening.is_unspecified and not settings["trusted_proxies"]:
        elsewhere = _from_outside(port, script_name, settings["allowed_hosts"])
    lines = {
        f"{settings['title']} is running at": f"{url}{settings['route']}",
        "Open it in a browser:": f"{url}/" if settings["console"] else "",
        "From other devices:": elsewhere,
        f"Its {settings['records']} are kept in": str(database_file(kept) or redacted_url(kept)),
        "Access:": _access(settings, local=listening.is_loopback),
        **_next_step(url, settings),
        "Stop it:": "Ctrl+C",
    }
    text = "".join(f"  {label:<21} {value}\n" for label, value in lines.items() if value)
    with suppress(OSError):  # the reader may have closed the other end
        print(f"\n{text}", flush=True)


def _access(settings: Mapping[str, Any], *, local: bool) -> str:
    mode, records = settings["access"], settings["records"]
    anybody = "anybody on this machine" if local else "anybody who reaches it"
    means = {
        "open": f"{anybody} may change {records}",
        "authenticated": f"users may change {records}",
        "owner": f"users may change their own {records}",
        "private": f"users see their own {records} alone",
    }[mode]
    return f"{mode}: {means} ({settings['access_from']})"


def _next_step(url: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """The one command that works next: it depends on the access, the users and the options."""
    if settings["access"] == "open":
        create = f"curl {url}{settings['route']} --json '{settings['example']}'"
        return {"Create one:": create}
    if settings["has_users"]:
        return {
            "Sign in:": f"curl {url}/api/tokens --json "
            """'{"username": "NAME", "password": "PASSWORD"}'"""
        }
    return {"First user:": settings["add_user"]}


def _from_outside(port: int, script_name: str, allowed_hosts: list[str]) -> str:
    """The address for other devices, of a server that listens on every interface."""
    names = [name for name in allowed_hosts if name not in ("localhost", "127.0.0.1", "[::1]")]
    host = names[0] if names else address()
    hint = "" if names else f"  (needs DATAS_ALLOWED_HOSTS={host})"
    return f"http://{host}:{port}{script_name}/{hint}" if host else ""


def address() -> str:
    """This machine's address in its network; empty without a network."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        # This sends nothing: it only asks the kernel for a route (192.0.2.0/24: RFC 5737).
        sock.connect(("192.0.2.1", 9))
        return str(sock.getsockname()[0])
    return ""
