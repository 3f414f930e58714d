"""Secrets that hide: escaped, repeated, cut, or under another name."""

import json

import pytest

from datas.adapters.blanking import MAX_TEXT, blank_body, blank_text, without_credentials
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
        f"{ROUTE}?password=more%20{PASSWORD}",
        f"{ROUTE}?password[]={PASSWORD}",
        f"{ROUTE}?password:{PASSWORD}",
        f"password= must {PASSWORD}",
        f"password: is {PASSWORD}",
        f"{ROUTE}?%2570assword={PASSWORD}",
        f"{ROUTE}?q=datas%255F{TOKEN[6:]}",
        f"{ROUTE}?q=DATAS_{TOKEN[6:]}",
        f'{{"password":["{PASSWORD}"]}} and more',
        f"{{'password': 'it\\'s{PASSWORD}'}}",
        f"http://:{PASSWORD}@localhost/",
        f"http://alice:it's{PASSWORD}@localhost/",
        f"http://alice:a%40{PASSWORD}@localhost/",
        '"password"'.encode("utf-16").decode("latin-1") + f"={PASSWORD}",
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
    "body",
    [
        f"data,password\nx,{PASSWORD}\n",
        f'{{"password": correct {PASSWORD}}}',
        f'{{"data": "x"}}\n{{"password": ["{PASSWORD}"]}}\n{{"passw',
        f'{{"passwords": ["{PASSWORD}"], "access_token": "{PASSWORD}"}}',
        json.dumps({"data": json.dumps({"password": [PASSWORD]})}),
    ],
)
def test_no_body_keeps_a_secret(body: str) -> None:
    """In lines, in lists, in texts, under longer names, and in UTF-16."""
    for encoding in ("utf-8", "utf-16-le"):
        shown = blank_body(ROUTE, body.encode(encoding)) or ""
        assert PASSWORD not in shown.replace("\0", "")


def test_the_beginning_of_a_text_is_enough() -> None:
    """A client may send 64 headers of 8,000 characters, and to search them whole took a minute."""
    assert blank_text("a:" * 4000) == "a:" * (MAX_TEXT // 2)
    assert len(blank_text("password=" * 1000)) < MAX_TEXT


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
        ('{"api_key": "x", "tokens": 3}', '{"api_key": "…", "tokens": "…"}'),
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
        (f'{{"{PASSWORD}": "alice"}}', '{"…": "…"}'),
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


def test_a_header_whose_name_speaks_of_a_secret_is_blanked() -> None:
    """Whatever else is in the name."""
    secret = ["X-Authorization", "set-cookie", "X-Password", "X-Auth-Token", "X-Api-Key", "ApiKey"]
    shown = ["Accept", "Idempotency-Key", "WWW-Authenticate"]
    blanked = without_credentials((name, "x") for name in secret + shown)
    assert blanked == [(name, "…") for name in secret] + [(name, "x") for name in shown]
