"""`/`: the console, a page of plain HTML, CSS and JavaScript in `datas/http/web/console/`."""

from pathlib import Path

from datas.http.resources.files import FileResource, PageResource

FOLDER = Path(__file__).parent.parent / "web" / "console"


def console_routes() -> dict[str, object]:
    """The page, and the files that it is made of."""
    files = sorted(path for path in FOLDER.iterdir() if path.name != "index.html")
    return {"/": PageResource(FOLDER / "index.html")} | {
        f"/console/{path.name}": FileResource(path) for path in files
    }
