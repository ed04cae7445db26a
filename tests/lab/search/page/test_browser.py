"""The page in a browser: it fits the screen, words stay inside their plots, and it asks nobody for anything."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from imfuse.lab.search.record import PAGE

WORDS_OUTSIDE = """() => [...document.querySelectorAll("svg.chart text")].filter(text => {
    const [own, whole] = [text.getBoundingClientRect(), text.ownerSVGElement.getBoundingClientRect()];
    return own.width && (own.left < whole.left - 1 || own.right > whole.right + 1
        || own.top < whole.top - 1 || own.bottom > whole.bottom + 1);
}).map(text => text.textContent)"""

WORDS_TOGETHER = """() => [...document.querySelectorAll(".plots svg.chart")].flatMap(plot => {
    const boxes = [...plot.querySelectorAll("text.shown, text.other")].map(text => text.getBoundingClientRect());
    const meets = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4;
    return boxes.filter((a, i) => boxes.some((b, j) => j > i && meets(a, b))).map(() => plot.ariaLabel);
})"""


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with playwright.sync_playwright() as running:
        try:  # without a program of the machine's, the one that `playwright install chromium` brings
            browser = running.chromium.launch(executable_path=program, args=["--no-sandbox"])
        except playwright.Error:
            pytest.skip("there is no Chromium on this machine; `playwright install chromium` brings one")
        yield browser
        browser.close()


@pytest.fixture(params=["finished", "tried", "swept"])
def page(browser, done, request):
    """The page, opened with all that is folded; there must have been no message and no request but for the file."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, file = context.new_page(), done[request.param] / PAGE
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    yield page
    context.close()
    assert said == []
    assert {url for url in asked if not url.startswith("data:")} == {file.as_uri()}


def test_the_page_fits_every_screen_and_words_their_plots(page):
    for width in (320, 390, 700, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate(WORDS_OUTSIDE) == []
        assert page.evaluate(WORDS_TOGETHER) == []


def test_the_page_is_dark_where_the_reader_is_and_light_on_paper(page):
    colours = "['body', '.card'].map(name => getComputedStyle(document.querySelector(name)).backgroundColor)"
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(colours)
    page.emulate_media(color_scheme="light")
    light = page.evaluate(colours)
    assert all(brightness(colour) < 60 for colour in dark)
    assert all(brightness(colour) > 200 for colour in light)
    page.emulate_media(color_scheme="dark", media="print")
    assert all(brightness(colour) > 250 for colour in page.evaluate(colours))


def brightness(colour: str) -> float:
    return sum(int(part) for part in colour[4:-1].split(",")) / 3


def test_links_of_a_sweep_lead_to_its_searches_and_back(browser, done):
    page = browser.new_page()
    page.goto((done["swept"] / PAGE).as_uri())
    page.get_by_role("link", name="0.05").click()
    assert page.url == (done["swept"] / "weight-0.05" / PAGE).as_uri()
    page.get_by_role("link", name="a sweep").click()
    assert page.url == (done["swept"] / PAGE).as_uri()
    page.close()
