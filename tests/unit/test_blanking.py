"""Secrets that hide: escaped, repeated, cut, or under another name."""

import pytest

from datas.adapters.blanking import blank_body, blank_text, without_credentials
from tests.served import ROUTE

TOKEN = "datas_" + "Ab3-_x" * 7
PASSWORD = "correct-horse"


@pytest.mark.parametrize(
    "text",
    [
        f"{ROUTE}?q={TOKEN}",
        f"{ROUTE}?password={PASSWORD}&q=x",
        f"{ROUTE}?Password%3D{PASSWORD}",
        f"http://alice:{PASSWORD}@localhost/",
        f"alice:{PASSWORD}@localhost",
        "/x?q=" + "".join(f"%{ord(each):02X}" for each in TOKEN),
        f'{{"new_password": "{PASSWORD}',
        f"{{'password': '{PASSWORD}'}}",
        f"{{password: '{PASSWORD}'}}",
        f'{{\\"password\\": \\"{PASSWORD}\\"}}',
        f'{{"data": "{"".join(f"{chr(92)}u{ord(each):04x}" for each in TOKEN)}',
        f'{{"\\u0070assword": "{PASSWORD}"',
        f"username=alice&password={PASSWORD}",
    ],
)
def test_no_text_keeps_a_secret(text: str) -> None:
    """A target, a header, or a body that isn't JSON."""
    shown = blank_text(text)
    assert "…" in shown
    assert PASSWORD not in shown
    assert TOKEN[6:] not in shown
    body = blank_body(ROUTE, text.encode())
    assert body
    assert PASSWORD not in body


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (f'{{"data": "{TOKEN}", "data": "x"}}', '{"data": "datas_…", "data": "x"}'),
        (f'{{"a": [{{"token": "{TOKEN}"}}]}}', '{"a": [{"token": "…"}]}'),
        (f'{{"{TOKEN}": 1}}', '{"datas_…": 1}'),
        ('{"PASSWORD": 12345678}', '{"PASSWORD": "…"}'),
        ('{ "data":"tea" }', '{ "data":"tea" }'),
        ('{"data": "password"}', '{"data": "password"}'),
        ('{"old_password": "x", "accessToken": "y"}', '{"old_password": "…", "accessToken": "…"}'),
        ('{"api_key": "x", "tokens": 3}', '{"api_key": "…", "tokens": 3}'),
        ("[" * 2000, "[" * 2000),
        ("[" * 600 + "]" * 600, "[" * 600 + "]" * 600),
        ("1,tea\n2,caf\u00e9", "1,tea\n2,caf\u00e9"),
    ],
)
def test_a_body_is_shown_as_it_was_but_for_its_secrets(body: str, shown: str) -> None:
    """JSON stays JSON."""
    assert blank_body(ROUTE, body.encode()) == shown


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (f'{{"username": "alice", "pass": "{PASSWORD}', "…"),
        (f"alice {PASSWORD}", "…"),
        (f'"{PASSWORD}"', '"…"'),
        (f'["{PASSWORD}"]', '["…"]'),
        (
            f'{{"username": "alice", "passwort": "{PASSWORD}"}}',
            '{"username": "alice", "passwort": "…"}',
        ),
        ('{"username": "alice", "label": "phone"}', '{"username": "alice", "label": "phone"}'),
        (
            '{"errors": {"password": ["is short"], "username": ["is long"]}}',
            '{"errors": {"password": "…", "username": ["is long"]}}',
        ),
    ],
)
@pytest.mark.parametrize(
    "path", ["/api/users", "/api/users/me/password", "/api/tokens", "/api/tokens/"]
)
def test_of_accounts_only_known_names_are_shown(path: str, body: str, shown: str) -> None:
    """A password may stand under a misspelt name, or in JSON that is broken."""
    assert blank_body(path, body.encode()) == shown


def test_no_body_is_null() -> None:
    """A text that is empty would look like a body."""
    assert blank_body(ROUTE, b"") is None


def test_a_header_whose_name_ends_like_a_secret_is_blanked() -> None:
    """The names of fields and of headers follow one rule."""
    secret = ["Authorization", "set-cookie", "X-Password", "X-Access-Token", "X-Api-Key", "ApiKey"]
    shown = ["Accept", "Idempotency-Key", "X-Token-Count"]
    blanked = without_credentials((name, "x") for name in secret + shown)
    assert blanked == [(name, "…") for name in secret] + [(name, "x") for name in shown]
