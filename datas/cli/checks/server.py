"""Checks of how a PostgreSQL is set up."""

from datas.cli.checks.case import Case, Finding, Findings, Sign, fault, warning

OLDEST = 15  # of the versions that its project still mends

# A setting, what it should not be, how bad that is, why, and what to set for whom.
_SETTINGS = (
    ("fsync", "off", Sign.FAULT, "a power cut can destroy the database", "on", "SYSTEM"),
    ("full_page_writes", "off", Sign.FAULT, "a power cut can destroy the database", "on", "SYSTEM"),
    ("synchronous_commit", "off", Sign.WARNING, "a crash loses acknowledged changes", "on", "ROLE"),
    ("statement_timeout", "0", Sign.WARNING, "what was given up runs on", "'30s'", "ROLE"),
    ("lock_timeout", "0", Sign.WARNING, "who waits for a lock waits on", "'2s'", "ROLE"),
)


def server(case: Case) -> Findings:
    """PostgreSQL keeps what it acknowledges, ends what takes too long, and is still mended."""
    told = case.server
    for name, bad, sign, why, good, whose in _SETTINGS:
        if told[name] == bad:
            whom = f"ROLE {told['user']}" if whose == "ROLE" else whose
            reload = "" if whose == "ROLE" else " SELECT pg_reload_conf();"
            remedy = f"ALTER {whom} SET {name} = {good};{reload}"
            yield Finding(sign, f"{name} is {bad}: {why}.", remedy)
    if int(told["standbys"]) and not told["synchronous_standby_names"]:
        yield warning(
            "No standby is synchronous: a failover loses acknowledged changes.",
            "ALTER SYSTEM SET synchronous_standby_names = '*'; SELECT pg_reload_conf();",
        )
    if told.get("in_hot_standby") == "on":
        yield fault(
            "It is a standby, which nobody can write.",
            "Name the primary too in DATAS_DATABASE_URL, with target_session_attrs=read-write.",
        )
    if int(told["server_version_num"]) < OLDEST * 10_000:
        text = f"PostgreSQL {told['server_version']} isn't mended any more."
        yield warning(text, f"Move to {OLDEST} or newer: pg_upgrade, or datas copy.")


def connections(case: Case) -> Findings:
    """PostgreSQL has connections enough for the workers, and for another node's."""
    told = case.server
    most = int(told["max_connections"]) - int(told["superuser_reserved_connections"])
    needed = case.workers * int(told["connections_of_a_worker"])
    if needed * 2 > most:
        yield Finding(
            Sign.FAULT if needed > most else Sign.WARNING,
            f"{case.workers} workers may take {needed} of {most} connections, on each node.",
            f"Fewer --workers, or pgbouncer, or ALTER SYSTEM SET max_connections = {4 * needed}; "
            "and a restart.",
        )
