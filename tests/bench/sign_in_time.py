"""Whether the time of a failed sign-in tells if a name exists: `-m tests.bench.sign_in_time`.

Two hundred names that exist and two hundred that don't, one wrong password each, in turn.
"""

import statistics
import tempfile
import time

from datas.adapters.system import Argon2Passwords, SystemClock
from datas.bootstrap import build_services
from datas.database_urls import open_database
from datas.domain.errors import WrongCredentials
from datas.served import DATAS_ITEMS
from datas.settings import Settings

NAMES = 200


def main() -> None:
    """Print both medians and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{folder}/bench.db")
        services = build_services(Settings(), DATAS_ITEMS, database)
        password_hash = Argon2Passwords().hash("correct horse")
        with database.atomic():
            for n in range(NAMES):
                services.accounts.users.add(f"known{n}", password_hash, SystemClock().now())

        def try_once(name: str) -> float:
            before = time.perf_counter()
            try:
                services.accounts.sign_in(name, "wrong password", address="127.0.0.1")
            except WrongCredentials:
                return (time.perf_counter() - before) * 1e3
            raise RuntimeError(name)

        try_once("warm-up")
        pairs = [(try_once(f"known{n}"), try_once(f"unknown{n}")) for n in range(NAMES)]
        known, unknown = (statistics.median(column) for column in zip(*pairs, strict=True))
        database.close()
    print(f"known: {known:.2f} ms, unknown: {unknown:.2f} ms, ratio {unknown / known:.3f}")


if __name__ == "__main__":
    main()
