"""The dbt docs page in a browser: as wide as the screen, and nothing of a mart cut off."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import EngineHome
from playwright.sync_api import Page, sync_playwright

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
MART = "#!/model/model.house_ware_clv.clv_predictions"
# boxes below the page's own that show less than they hold; code has a padding of its own
CUT_OFF = """() => [...document.querySelectorAll('.app-scroll *')].filter(box => {
    const style = getComputedStyle(box);
    const is_cut = ['auto', 'scroll', 'hidden'].includes(style.overflowY);
    return is_cut && box.clientHeight > 0 && box.scrollHeight > box.clientHeight + 10;
}).map(box => box.tagName + '.' + box.className)"""
SHORTENED = """() => [...document.querySelectorAll('.app-scroll td')].filter(cell =>
    cell.scrollWidth > cell.clientWidth + 1 && getComputedStyle(cell).overflowX !== 'visible'
).length"""


@pytest.fixture(scope="module")
def docs(scored_home: EngineHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The page of a home."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    home = scored_home.copy(tmp_path_factory.mktemp("docs") / "home")
    yield home.root / home.call("docs").result["page"]
    shutil.rmtree(home.root)


def opened(page: Page, docs: Path, place: str) -> None:
    page.goto(f"file://{docs}{place}")
    page.wait_for_selector(".app-content .panel-body", timeout=60_000)
    page.wait_for_timeout(1000)


@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_is_as_wide_as_the_screen_and_shows_all_of_a_mart(docs: Path, width: int):
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        opened(page, docs, MART)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate(CUT_OFF) == []
        assert page.evaluate(SHORTENED) == 0
        text = page.inner_text(".app-content")
        assert "What will each customer spend in the next months" in text
        assert "from marts.clv_predictions" in text
        assert "Last day of the label window" in text
        browser.close()
