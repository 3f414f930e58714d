"""The documents: links lead somewhere, Python runs, and words are plain."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "deploy/*.md", "examples/*/*.md")
    for path in ROOT.glob(pattern)
)
# These keep the words of their time.
OLD = {"DECISIONS.md", "CHANGELOG.md"}
FENCED = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^]]*\]\(\s*([^)\s]+)\s*\)")


def read(name: str) -> str:
    return (ROOT / name).read_text()


def anchors(name: str) -> set[str]:
    """Those that GitHub gives to headings, and those that stand in the text."""
    text = FENCED.sub("", read(name))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {it.replace(" ", "-") for it in plain} | {*re.findall(r'<a id="([^"]+)">', text)}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_to_a_file_and_a_heading(name: str) -> None:
    """All relative ones."""
    for link in LINK.findall(FENCED.sub("", read(name))):
        if re.match(r"https?:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), f"{name}: {link}"
        if anchor:
            assert anchor in anchors(target.resolve().relative_to(ROOT).as_posix()), link


def test_every_page_can_be_reached_from_the_readme() -> None:
    """A page that no other names would not be found."""
    reached, waiting = set[str](), ["README.md"]
    while waiting:
        reached.add(name := waiting.pop())
        targets = [link.partition("#")[0] for link in LINK.findall(FENCED.sub("", read(name)))]
        pages = {((ROOT / name).parent / it).resolve() for it in targets if it.endswith(".md")}
        found = {page.relative_to(ROOT).as_posix() for page in pages if page.is_relative_to(ROOT)}
        waiting += found - reached
    assert reached >= set(DOCUMENTS)


@pytest.mark.parametrize("name", ["README.md", "docs/how-to/python.md"])
def test_its_python_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each block, as it stands, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```$", read(name), re.MULTILINE | re.DOTALL)
    assert blocks
    for code in blocks:
        exec(compile(code, name, "exec"), {})  # noqa: S102 (our own text)
    assert capsys.readouterr().out in ("['bye']\n", "gone\n")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_document_installs_another_project(name: str) -> None:
    """`datas` on PyPI is not this project."""
    assert not re.search(r"(pip3?|pipx|uv|uvx)\b[^\n`]*\s'?\"?datas\b(?!-)", read(name))


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name not in OLD])
def test_the_words_are_plain(name: str) -> None:
    """A sentence names who does what."""
    riddle = r"\b(whoever|whichever|(?<!to )nobody|(is|are|was|were) told)\b"
    found = re.search(riddle, FENCED.sub("", read(name)), re.IGNORECASE)
    assert found is None, f"{name}: {found[0] if found else ''}"


def test_the_readme_is_short() -> None:
    """A beginner reads it to its end."""
    assert len(read("README.md").splitlines()) <= 200


def test_the_reading_path_is_as_long_as_the_readme_says() -> None:
    """All files that it numbers, together."""
    files = re.findall(r"^\d\. \[.*\]\((.*)\)", read("README.md"), re.MULTILINE)
    [stated] = re.findall(r"about (\d+) lines", read("README.md"))
    lines = sum(len(read(file).splitlines()) for file in files)
    assert lines == pytest.approx(int(stated), rel=0.05)


def test_the_picture_of_the_console_is_small() -> None:
    """It is a PNG of a few colours: see screenshots.py."""
    picture = (ROOT / "docs/console.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 200_000
