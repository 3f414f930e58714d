"""What the environment says is read once, made uniform, and refused in words that help."""

import os

import pytest

from datas.settings import InvalidSettings, Settings


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("HTTPS://App.example:443", "https://app.example"),
        ("http://app.example:80", "http://app.example"),
        ("https://app.example:80", "https://app.example:80"),
        ("http://app.example:8443", "http://app.example:8443"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("*", "*"),
    ],
)
def test_an_origin_is_kept_as_browsers_send_it(
    monkeypatch: pytest.MonkeyPatch, given: str, origin: str
) -> None:
    """They compare nothing but letters: no capital and no port of the scheme's would ever match."""
    monkeypatch.setenv("DATAS_CORS_ORIGINS", given)
    assert Settings.read().cors_origins == (origin,)


@pytest.mark.parametrize(
    "given",
    [
        "https://app.example/",
        "https://app.example/page",
        "app.example",
        "https://",
        "https://:443",
        "https://me@app.example",
        "https://b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example",
        "https://app.example:",
        "https://app.example:443x",
        "null",
    ],
)
def test_what_no_browser_sends_is_no_origin(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    """A slash at the end is told, and what else would never match."""
    monkeypatch.setenv("DATAS_CORS_ORIGINS", f"https://good.example,{given}")
    with pytest.raises(InvalidSettings) as caught:
        Settings.read()
    assert str(caught.value).startswith(f"DATAS_CORS_ORIGINS: {given!r} is no origin.")
    assert "not even a slash" in str(caught.value)


def test_a_bad_value_is_told_with_what_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them at once, a line each, as they were given."""
    bad = {
        "DATAS_ACCESS": ("Open", "one of: open, authenticated, owner, private."),
        "DATAS_REGISTRATION": ("yes", "one of: closed, open."),
        "DATAS_TOKEN_DAYS": ("1.5", "a whole number from 1 to 36500."),
        "DATAS_TRUSTED_PROXIES": ("-1", "a whole number from 0 to 100."),
        "DATAS_AUTO_MIGRATE": ("", "one of: true, false."),
    }
    for name, (value, _) in bad.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings) as caught:
        Settings.read()
    assert str(caught.value).splitlines() == [
        f"{name}: {value!r} can't be used. It must be {allowed}"
        for name, (value, allowed) in bad.items()
    ]


def test_an_option_replaces_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for processes that are started from here; None leaves the variable as it is."""
    monkeypatch.setenv("DATAS_ACCESS", "private")
    monkeypatch.setenv("DATAS_DATABASE_URL", "sqlite:///one.db")
    settings = Settings.read(access="owner", database_url=None)
    assert (settings.access, settings.database_url) == ("owner", "sqlite:///one.db")
    assert os.environ["DATAS_ACCESS"] == "owner"


def test_with_faults_the_valid_values_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """An invalid value is named, and replaced by its default."""
    monkeypatch.setenv("DATAS_ACCESS", "private")
    monkeypatch.setenv("DATAS_TOKEN_DAYS", "1.5")
    settings, faults = Settings.read_with_faults()
    assert (settings.access, settings.token_days) == ("private", Settings().token_days)
    assert list(faults) == ["DATAS_TOKEN_DAYS"]


@pytest.mark.parametrize("end", ["\r", "\n", "\t", " ", "\r\n"])
def test_white_space_around_any_setting_is_left_out(
    monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """What a program that is started from here reads is clean, too."""
    given = {
        "DATABASE_URL": "sqlite:///x.db",
        "ACCESS": "open",
        "TOKEN_DAYS": "7",
        "ALLOWED_HOSTS": "a.example,b.example",
        "METRICS": "true",
        "LOG_LEVEL": "error",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"DATAS_{name}", f"{end}{value}{end}")
    found = Settings.read()
    assert (found.database_url, found.access, found.token_days) == ("sqlite:///x.db", "open", 7)
    assert (found.allowed_hosts, found.metrics) == (("a.example", "b.example"), True)
    assert {name: os.environ[f"DATAS_{name}"] for name in given} == given
