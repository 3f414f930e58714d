"""What one GET costs, as a ratio to the floor: `python -m tests.bench.get_one`."""

import tempfile

from datas.bootstrap import open_service
from tests.bench.serving import compare, serving

REQUEST = b"GET /api/datas/1 HTTP/1.1\r\nHost: localhost\r\n\r\n"


def main() -> None:
    """Measure the floor and Datas side by side, on one database."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.db"
        with open_service(url) as items:
            items.create("hello " * 6)
        environ = {"DATAS_DATABASE_URL": url}
        with serving(("tests.bench.floor:app", environ), ("datas.wsgi:app", environ)) as servers:
            compare(("floor", "Datas"), 41, lambda n: servers[n].round(REQUEST, 200, 1600))


if __name__ == "__main__":
    main()
