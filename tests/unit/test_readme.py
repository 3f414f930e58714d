"""README tells the truth."""

import re
from pathlib import Path

import pytest

from datas.settings import variable_names

README = Path(__file__).parents[2].joinpath("README.md").read_text()


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_its_python_runs(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each block, as it stands, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102 (our own text)
    assert capsys.readouterr().out in ("", "['bye']\n")


def test_every_setting_is_in_its_table() -> None:
    """A setting that nobody is told of doesn't exist."""
    assert re.findall(r"^\| `(DATAS_\w+)`", README, re.MULTILINE) == variable_names()
