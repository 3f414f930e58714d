"""Makes clients from the OpenAPI document with what the registries have, and lets them work.

Each signs in, creates, pages to the end, updates with If-Match and filters by time, unchanged. A
second document, of collections with a field for every rule, must give clients that compile.

    python -m tests.clients.run [NAME…]

What is missing on this machine is skipped, with a line that says so. See `make clients`.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from datas.http.app import routes
from tests.e2e.conftest import Server
from tests.http.conftest import make_world
from tests.http.gadgets import GADGETS_ON_THE_WIRE

ROOT = Path("build/clients").absolute()
USES = Path(__file__).parent / "uses"
PYTHON = ROOT / "venv/bin/python"
PYPI: tuple[str, ...] = (
    "openapi-generator-cli==7.26.0",
    "openapi-python-client==0.29.1",
    "httpx==0.28.1",
)
# What generated Python clients ask for.
PYPI += ("attrs==26.1.0", "pydantic==2.14.4", "python-dateutil==4.0.0", "urllib3==2.8.0")
NPM = (
    "openapi-typescript@7.13.0",
    "openapi-fetch@0.17.0",
    "@hey-api/openapi-ts@0.95.0",
    "orval@7.13.2",
    "typescript@5.9.3",
)
TSC = (
    *("--strict", "--target", "es2022", "--module", "commonjs"),
    *("--moduleResolution", "node10", "--lib", "es2022,dom,dom.iterable", "--esModuleInterop"),
    *("--skipLibCheck", "--types", "node", "--outDir", "out"),
)


class Skipped(Exception):
    """This machine lacks what a client needs."""


def run(folder: Path, *command: object, **environ: str) -> None:
    """Raises: CalledProcessError, with the output."""
    subprocess.run(
        [str(each) for each in command],
        cwd=folder,
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=True,
    )


def tool(name: str) -> str:
    """The path of a program. Raises: Skipped."""
    if found := shutil.which(name):
        return found
    raise Skipped(f"there is no {name}")


def pypi() -> None:
    """The tools of PyPI. Raises: Skipped."""
    if (ROOT / "venv/complete").exists():
        return
    run(ROOT, sys.executable, "-m", "venv", "--clear", "venv")
    try:
        run(ROOT, PYTHON, "-m", "pip", "--quiet", "install", *PYPI)
    except subprocess.CalledProcessError as error:
        raise Skipped(f"PyPI has not all of {', '.join(PYPI)}: {error.stdout[-300:]}") from error
    (ROOT / "venv/complete").touch()


def npm() -> Path:
    """The folder of the tools of npm. Raises: Skipped."""
    folder = ROOT / "npm"
    if not (folder / "complete").exists():
        folder.mkdir(exist_ok=True)
        (folder / "package.json").write_text('{"private": true}')
        try:
            run(folder, tool("npm"), "install", "--ignore-scripts", *NPM, "@types/node@20")
        except subprocess.CalledProcessError as error:
            raise Skipped(f"npm has not all of {', '.join(NPM)}: {error.stdout[-300:]}") from error
        (folder / "complete").touch()
    return folder


def openapi_generator(work: Path, generator: str, to: str, *options: str) -> None:
    """Run it on the document. Raises: Skipped."""
    pypi()
    tool("java")
    command = ("generate", "-i", "openapi.json", "-g", generator, "-o", to)
    run(work, PYTHON.with_name("openapi-generator-cli"), *command, *options)


def python_client(work: Path, url: str) -> None:
    """openapi-generator's `python`."""
    openapi_generator(work, "python", "made")
    run(work / "made", PYTHON, "-c", "from openapi_client import *")
    if url:
        run(work, PYTHON, USES / "openapi_generator.py", url, PYTHONPATH=str(work / "made"))


def typescript_fetch(work: Path, url: str) -> None:
    """openapi-generator's `typescript-fetch`."""
    openapi_generator(work, "typescript-fetch", "typescript-fetch")
    typescript(work, url, "typescript_fetch", "typescript-fetch/index.ts")


def java(work: Path, url: str) -> None:
    """openapi-generator's `java`; its own jar has the libraries that such a client needs."""
    javac = tool("javac")
    options = ("--library", "native", "--additional-properties", "openApiNullable=false")
    openapi_generator(work, "java", "made", *options)
    [jar] = (ROOT / "venv").rglob("openapi-generator.jar")
    sources = [USES / "Generated.java", *(work / "made/src/main/java").rglob("*.java")]
    sources += [USES / "Main.java"] if url else []
    run(work, javac, "-nowarn", "-d", "out", "-cp", jar, *sources)
    if url:
        run(work, "java", "-ea", "-cp", f"out{os.pathsep}{jar}", "Main", url)


def openapi_python_client(work: Path, url: str) -> None:
    """openapi-python-client."""
    pypi()
    command = ("generate", "--path", "openapi.json", "--output-path", "client", "--meta", "none")
    run(work, PYTHON.with_name("openapi-python-client"), *command)
    run(work, PYTHON, "-m", "compileall", "-q", "client")
    if url:
        run(work, PYTHON, USES / "openapi_python_client.py", url, PYTHONPATH=str(work))


def openapi_typescript(work: Path, url: str) -> None:
    """openapi-typescript, with openapi-fetch."""
    npx(work, "openapi-typescript", "openapi.json", "-o", "openapi-typescript.d.ts")
    typescript(work, url, "openapi_typescript", "openapi-typescript.d.ts")


def hey_api(work: Path, url: str) -> None:
    """@hey-api/openapi-ts."""
    npx(work, "openapi-ts", "-i", "openapi.json", "-o", "hey-api", "-c", "@hey-api/client-fetch")
    typescript(work, url, "hey_api", "hey-api/sdk.gen.ts")


def orval(work: Path, url: str) -> None:
    """orval, with fetch."""
    output = {"target": "orval-client.ts", "client": "fetch", "baseUrl": url}
    config = {"items": {"input": "openapi.json", "output": output}}
    (work / "orval.config.cjs").write_text(f"module.exports = {json.dumps(config)};")
    npx(work, "orval", "--config", "orval.config.cjs")
    typescript(work, url, "orval", "orval-client.ts")


def npx(work: Path, name: str, *arguments: str) -> None:
    """Run a tool of npm. Raises: Skipped."""
    modules = work / "node_modules"
    if not modules.exists():
        modules.symlink_to(npm() / "node_modules")
    run(work, tool("node"), (modules / ".bin" / name).resolve(), *arguments)


def typescript(work: Path, url: str, use: str, alone: str) -> None:
    """Compile a client in strict mode, with its use if there is a server, and run that."""
    for each in ("common.ts", f"{use}.ts"):
        shutil.copy(USES / each, work)
    npx(work, "tsc", *TSC, *([f"{use}.ts"] if url else [alone]))
    if url:
        run(work, "node", f"out/{use}.js", url)


CLIENTS: Mapping[str, Callable[[Path, str], None]] = {
    "openapi-generator-python": python_client,
    "openapi-generator-typescript-fetch": typescript_fetch,
    "openapi-generator-java": java,
    "openapi-python-client": openapi_python_client,
    "openapi-typescript": openapi_typescript,
    "hey-api": hey_api,
    "orval": orval,
}


def result(name: str, document: bytes, url: str) -> str:
    """`good`, `skipped` or `AT FAULT`, and why."""
    work = ROOT / f"{name}{'' if url else '-every-rule'}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    (work / "openapi.json").write_bytes(document)
    try:
        CLIENTS[name](work, url)
    except Skipped as reason:
        return f"skipped: {reason}"
    except subprocess.CalledProcessError as error:
        return f"AT FAULT: {error.cmd[:3]}\n{error.stdout[-1500:]}"
    return "good"


def main(names: Sequence[str]) -> None:
    """Exits with 1 if a client is at fault."""
    shutil.rmtree(ROOT / "server", ignore_errors=True)
    (ROOT / "server").mkdir(parents=True)
    parts = make_world(collections=GADGETS_ON_THE_WIRE).parts
    gadgets = routes(parts)["/openapi.json"].document()
    environ = {"DATAS_ACCESS": "authenticated", "DATAS_REGISTRATION": "open"}
    server, at_fault = Server(ROOT / "server", **environ), False
    try:
        url = f"http://localhost:{server.port}"
        items = server.request("GET", "/openapi.json").content
        for name in names or CLIENTS:
            for what, document, at in (("items", items, url), ("every rule", gadgets, "")):
                said = result(name, document, at)
                at_fault |= said.startswith("AT FAULT")
                print(f"{name}, {what}: {said}", flush=True)
    finally:
        server.stop()
    sys.exit(at_fault)


if __name__ == "__main__":
    main(sys.argv[1:])
