"""What a token adds to a write: `python -m tests.bench.token_write`."""

import tempfile

from datas.bootstrap import build_services
from datas.database_urls import open_database
from datas.served import DATAS_ITEMS
from datas.settings import Settings
from tests.bench.serving import compare, serving
from tests.served import ROUTE

BODY = b'{"data": "hello"}'


def _request(*headers: str) -> bytes:
    lines = [f"POST {ROUTE} HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(BODY)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + BODY


def main() -> None:
    """Measure POST in open mode without a token, and in authenticated mode with one."""
    with tempfile.TemporaryDirectory() as folder:
        urls = [f"sqlite:///{folder}/{mode}.db" for mode in ("open", "authenticated")]
        database = open_database(urls[1], DATAS_ITEMS.tables)
        services = build_services(Settings(), DATAS_ITEMS, database)
        user = services.accounts.register("alice", "correct horse")
        secret = services.accounts.issue_token(user)[1]
        database.close()
        requests = [_request(), _request(f"Authorization: Bearer {secret}")]
        environs = [
            {"DATAS_DATABASE_URL": url, "DATAS_ACCESS": mode}
            for url, mode in zip(urls, ("open", "authenticated"), strict=True)
        ]
        with serving(*environs) as servers:
            compare(
                ("open", "with a token"),
                31,
                lambda n: servers[n].round(requests[n], 201, 800),
            )


if __name__ == "__main__":
    main()
