"""`/docs`: Swagger UI, from files installed with the server; nothing comes from outside."""

from importlib.util import find_spec
from pathlib import Path

from datas.http.resources.files import FileResource, PageResource

_WEB = Path(__file__).parent.parent / "web" / "docs"


def docs_routes() -> dict[str, object]:
    """The page, and all that it loads."""
    swagger = _swagger_folder()
    return {
        "/docs": PageResource(_WEB / "index.html"),
        "/docs/init.js": FileResource(_WEB / "init.js"),
        "/docs/swagger_bundle.js": FileResource(swagger / "swagger_bundle.js"),
        "/docs/swagger_style.css": FileResource(swagger / "swagger_style.css"),
    }


def _swagger_folder() -> Path:
    """Where `offapi` keeps its files. Importing it would load ten megabytes of text."""
    spec = find_spec("offapi")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("offapi is not installed, and /docs is made of its files.")
    return Path(spec.origin).parent
