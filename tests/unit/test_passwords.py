"""How passwords are hashed."""

from time import thread_time

import pytest

from datas.adapters.system import Argon2Passwords
from tests.unit.conftest import PASSWORD


@pytest.mark.parametrize("warm", [True, False])
def test_an_unknown_name_costs_a_hash_too(warm: bool) -> None:  # noqa: FBT001 (a case)
    """As much as a wrong password does, the first time in a process included."""
    known = Argon2Passwords().hash(PASSWORD)

    def cost(password_hash: str | None) -> float:
        costs = []
        for _ in range(3):
            passwords = Argon2Passwords()
            if warm:
                passwords.verify("wrong password", known)
            before = thread_time()
            passwords.verify("wrong password", password_hash)
            costs.append(thread_time() - before)
        return min(costs)

    assert cost(None) == pytest.approx(cost(known), rel=0.5)


@pytest.mark.parametrize("password", ["pässwörd", "🐎" * 8, "a\0b and more", "e\u0301 not \u00e9"])
def test_a_password_is_any_text(password: str) -> None:
    """Every character counts, as it is."""
    passwords = Argon2Passwords(memory_kib=8, passes=1)
    password_hash = passwords.hash(password)
    assert passwords.verify(password, password_hash)
    assert not passwords.verify(password + " ", password_hash)
    assert not passwords.verify(password.replace("e\u0301", "\u00e9") + "\0", password_hash)


@pytest.mark.parametrize("kept", ["", "x", "$argon2id$", "$argon2id$v=19$m=8,t=1,p=1$?$?"])
def test_a_hash_that_cannot_be_read_is_nobodys(kept: str) -> None:
    """A row that somebody spoilt lets nobody in, and is no failure of the server."""
    assert not Argon2Passwords(memory_kib=8, passes=1).verify(PASSWORD, kept)
