"""`make screenshots`: the picture of the console in README, by a real browser and a real server."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, expect

from tests.e2e.browser import launched_browser
from tests.e2e.conftest import Server
from tests.served import ROUTE

PICTURE = Path(__file__).parents[2] / "docs" / "console.png"
SIZE = ViewportSize(width=1200, height=800)
MAX_BYTES = 200_000
# As `make run` starts it.
LEARNING = {"DATAS_ACCESS": "open", "DATAS_REGISTRATION": "open", "DATAS_EXPLAIN": "true"}


def take_picture(page: Page, origin: str) -> bytes:
    """Create an item by hand, so that its request and the way through the layers are shown."""
    page.goto(origin)
    page.locator("#record").get_by_role("textbox").fill("hello")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.locator("#answer .wire > .kind")).to_contain_text("201")
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    return page.screenshot(animations="disabled")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, launched_browser() as browser:
        server = Server(Path(folder), "--workers", "1", **LEARNING)
        try:
            for text in ("tea", "bread and butter", "a book"):
                server.request("POST", ROUTE, {"data": text})
            page = browser.new_page(viewport=SIZE, color_scheme="light")
            picture = take_picture(page, f"http://localhost:{server.port}")
        finally:
            server.stop()
            server.close()
    if len(picture) >= MAX_BYTES:
        sys.exit(f"The picture has {len(picture):,} bytes, and may have {MAX_BYTES:,}.")
    PICTURE.write_bytes(picture)
    print(f"{PICTURE}: {len(picture):,} bytes")


if __name__ == "__main__":
    main()
