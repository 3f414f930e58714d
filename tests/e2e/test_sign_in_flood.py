"""Clients that guess passwords as fast as they can don't keep others from signing in."""

import threading
from contextlib import closing

import pytest

from tests.e2e.conftest import Server, Start, request

ALICE = {"username": "alice", "password": "correct horse"}
FLOODING = 6


@pytest.mark.slow
def test_an_honest_user_signs_in_while_six_clients_flood_the_server(start: Start) -> None:
    """In eight of ten tries at the least, though two passwords are hashed at once in a worker."""
    server = start("--workers", "2", DATAS_REGISTRATION="open")
    assert server.request("POST", "/api/users", ALICE).status == 201
    end, answered = threading.Event(), list[int]()
    arguments = server, end, answered
    threads = [threading.Thread(target=_flood, args=(n, *arguments)) for n in range(FLOODING)]
    for thread in threads:
        thread.start()
    try:
        tries = [server.request("POST", "/api/tokens", ALICE).status for _ in range(10)]
    finally:
        end.set()
        for thread in threads:
            thread.join()
    assert tries.count(201) >= 8, tries
    assert len(answered) > FLOODING


def _flood(number: int, server: Server, end: threading.Event, answered: list[int]) -> None:
    """Guess the passwords of one name after the other: so no name is refused without a hash."""
    with closing(server.connect()) as connection:
        for attempt in range(1_000_000):
            if end.is_set():
                return
            guess = {"username": f"user{number}.{attempt}", "password": "wrong password"}
            answered.append(request(connection, "POST", "/api/tokens", guess).status)
