"""The documentation pages in a real browser: they show every operation, and one can be tried out."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from tests.api.browser import open_page
from tests.api.served import served_account, settings_with

ANSWER = ".opblock.is-open .live-responses-table tbody"
IDENTITY_INFO = '[data-path="/api/core/v1/Account/IdentityInfo"]'


async def test_an_operation_is_tried_out_on_the_swagger_page(tmp_path: Path) -> None:
    settings = settings_with(debug=True, docs=True, keys=None)
    async with served_account(settings=settings) as api, open_page(f"{api.url}/docs/swagger/", tmp_path) as page:
        document = (await api.stranger.get("/docs/json")).json()
        operations = sum(len(methods) for methods in document["paths"].values())
        await page.wait_for(f"document.querySelectorAll('.opblock').length === {operations}")
        await page.click(f"{IDENTITY_INFO} ~ button, .opblock-summary:has({IDENTITY_INFO}) .opblock-summary-control")
        await page.click(".opblock.is-open .try-out__btn")
        await page.click(".opblock.is-open .execute")
        status = await page.wait_for(f"document.querySelector('{ANSWER} .response-col_status')?.innerText")
        assert status.startswith("200")
        shown = await page.wait_for(f"document.querySelector('{ANSWER} .response-col_description')?.innerText")
        assert api.services.address in shown
        assert {urlsplit(url).netloc for url in page.requested} <= {urlsplit(api.url).netloc, ""}


async def test_the_rapidoc_page_shows_every_operation(tmp_path: Path) -> None:
    settings = settings_with(debug=True, docs=True, keys=None)
    async with served_account(settings=settings) as api, open_page(f"{api.url}/docs/rapidoc/", tmp_path) as page:
        document = (await api.stranger.get("/docs/json")).json()
        operations = sum(len(methods) for methods in document["paths"].values())
        shown = await page.wait_for(
            "document.querySelector('rapi-doc')?.resolvedSpec?.tags?.reduce((sum, tag) => sum + tag.paths.length, 0)"
        )
        assert shown == operations
        assert {urlsplit(url).netloc for url in page.requested} <= {urlsplit(api.url).netloc, ""}
