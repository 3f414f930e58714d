"""Lost updates and duplicate creates: what conditions and keys are there to prevent."""

import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.conftest import Server, Start, request
from tests.served import RECORDS, ROUTE

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("rounds", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_of_two_writers_with_one_etag_one_wins(start: Start, rounds: int) -> None:
    """Whichever worker they meet: exactly one 200 and one 412, every time."""
    server = start("--workers", "4")
    etag = server.request("POST", ROUTE, {"data": "0"}).headers["ETag"]
    together = threading.Barrier(2)
    connections = [server.connect() for _ in range(2)]

    def write(writer: int, number: int) -> tuple[int, str]:
        together.wait(30)
        body, headers = {"data": f"{writer} in round {number}"}, {"If-Match": etag}
        answer = request(connections[writer], "PUT", f"{ROUTE}/1", body, headers)
        return answer.status, answer.headers["ETag"]

    with ThreadPoolExecutor(2) as pool:
        for number in range(rounds):
            answers = dict(pool.map(write, (0, 1), (number, number)))
            assert sorted(answers) == [200, 412], number
            etag = answers[200]
    assert etag == f'"{rounds + 1}"'
    for connection in connections:
        connection.close()


@pytest.mark.slow
def test_sixty_four_writers_see_no_error(start: Start) -> None:
    """On four workers and one file: each of thousands of items is made, none twice."""
    server = start("--workers", "4")

    def write(writer: int) -> list[int]:
        connection = server.connect()
        answers = [request(connection, "POST", ROUTE, {"data": f"{writer}-{n}"}) for n in range(40)]
        connection.close()
        assert {answer.status for answer in answers} == {201}
        return [answer.json["data"]["id"] for answer in answers]

    with ThreadPoolExecutor(64) as pool:
        ids = [item_id for found in pool.map(write, range(64)) for item_id in found]
    assert len(set(ids)) == len(ids) == 64 * 40


def _post(server: Server, key: str) -> tuple[int, bytes, str | None]:
    answer = server.request("POST", ROUTE, {"data": "order"}, {"Idempotency-Key": key})
    return answer.status, answer.content, answer.headers["Idempotency-Replayed"]


def test_twenty_parallel_retries_make_one_item(start: Start) -> None:
    """On four workers: one runs, nineteen get its answer, byte for byte."""
    server = start("--workers", "4")
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: _post(server, "key"), range(20)))
    assert {status for status, _, _ in answers} == {201}
    assert len({content for _, content, _ in answers}) == 1
    assert Counter(replayed for _, _, replayed in answers) == {None: 1, "true": 19}
    assert server.request("GET", ROUTE).json["msg"] == f"{RECORDS} found (1)"


@pytest.mark.slow
def test_an_answer_that_was_lost_is_given_again(start: Start) -> None:
    """The connection is cut after the commit; its retry gets the first answer."""
    server = start("--workers", "1")
    body = b'{"data": "order"}'
    head = (
        f"POST {ROUTE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Idempotency-Key: key\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    client = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    client.sendall(head.encode() + body)
    end = time.monotonic() + 20
    while server.request("GET", ROUTE).json["msg"] != f"{RECORDS} found (1)":
        assert time.monotonic() < end, "the record was never made"
    client.close()  # its answer was never read
    assert _post(server, "key")[0::2] == (201, "true")
    assert server.request("GET", ROUTE).json["msg"] == f"{RECORDS} found (1)"


@pytest.mark.slow
def test_a_key_outlives_the_server(start: Start) -> None:
    """Killed and started again, it still knows what it answered."""
    server = start()
    first = _post(server, "key")
    server.kill()
    assert _post(start(), "key") == (201, first[1], "true")
