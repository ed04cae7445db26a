"""The page in a browser: it works, fits the screen, says nothing in the console, and asks nobody for anything."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator

import pytest

from imfuse.lab.bench.page import write_page
from imfuse.lab.bench.statistics import summarise

WIDTHS = (390, 1280)


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


@pytest.fixture(scope="module")
def file(tmp_path_factory, evaluation, tasks, speed):
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_page(path, evaluation, summarise(evaluation, resamples=50), ("A remark.",), tasks, speed, gallery=4)
    return path


@pytest.fixture
def page(browser, file):
    """The page, opened; in the end there must have been no message and no request but for the file."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    yield page
    context.close()
    assert said == []
    assert {url.partition("#")[0] for url in asked if not url.startswith("data:")} == {file.as_uri()}


def until(page, condition: str) -> None:
    """Wait until an expression holds. The page's own policy forbids `wait_for_function`, which evaluates texts."""
    end = time.monotonic() + 10
    while not page.evaluate(condition):
        assert time.monotonic() < end, condition
        page.wait_for_timeout(20)


def split_of(page) -> float:
    """Where the visible part of the left picture ends, as a share of the width."""
    handle, sheet = page.locator("#handle").bounding_box(), page.locator("#sheet").bounding_box()
    clip = page.evaluate("getComputedStyle(document.getElementById('layer-left')).clipPath")
    place = (handle["x"] + handle["width"] / 2 - sheet["x"]) / sheet["width"]
    assert "inset" in clip
    return place


def shown_colour(page, share: float) -> tuple[int, int, int]:
    """The pixel of a screenshot of the picture at so much of its width, in its lower third."""
    import cv2
    import numpy as np

    shot = cv2.imdecode(np.frombuffer(page.locator("#sheet").screenshot(), np.uint8), cv2.IMREAD_COLOR)
    blue, green, red = shot[int(shot.shape[0] * 0.7), int(shot.shape[1] * share)]
    return int(red), int(green), int(blue)


def test_dragging_moves_the_boundary_and_what_is_seen(page):
    page.select_option("#left", label="infrared")
    page.select_option("#right", label="visible")
    assert split_of(page) == pytest.approx(0.5, abs=0.01)
    before = shown_colour(page, 0.35)
    assert len(set(before)) == 1  # infrared is grey
    box = page.locator("#sheet").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.2, y, steps=4)
    page.mouse.up()
    assert split_of(page) == pytest.approx(0.2, abs=0.01)
    assert len(set(shown_colour(page, 0.35))) > 1  # visible is in colour
    page.mouse.move(box["x"] + box["width"] * 0.9, y)
    assert split_of(page) == pytest.approx(0.2, abs=0.01)  # the button is up


def test_a_tap_moves_the_boundary(browser, file):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto(file.as_uri())
    page.locator("#sheet").scroll_into_view_if_needed()
    box = page.locator("#sheet").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 2)
    assert split_of(page) == pytest.approx(0.8, abs=0.01)
    context.close()


def test_arrow_keys_move_the_boundary(page):
    page.locator("#split").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert split_of(page) == pytest.approx(0.52, abs=0.005)
    page.locator("#stage").focus()
    page.keyboard.press("Shift+ArrowLeft")
    assert split_of(page) == pytest.approx(0.42, abs=0.005)
    assert page.locator("#split").input_value() == "42"


def test_the_select_boxes_choose_the_pictures_and_their_values(page, evaluation):
    name = evaluation.methods[0].name
    page.select_option("#left", label=name)
    page.select_option("#right", label="second")
    assert page.locator("#tag-left").inner_text() == name
    sources = page.evaluate("[...document.querySelectorAll('.layer img:not(.tint)')].map(image => image.src)")
    pictures = page.evaluate("data.gallery[view.place].pictures")
    assert sources == [pictures[3], pictures[2]]
    scene = page.evaluate("scene().scene")
    row = page.locator("#image-values tbody tr", has_text="VIF").inner_text().split()
    assert [float(text) for text in row[2:]] == pytest.approx(evaluation.values[:2, 2, scene], abs=1e-3)
    page.locator("#swap").click()
    assert page.locator("#tag-right").inner_text() == name


def test_thumbnails_and_arrows_turn_to_other_scenes(page):
    first = page.locator("#stem").inner_text()
    page.locator("#next").click()
    second = page.locator("#stem").inner_text()
    page.locator("#thumbs button").first.click()
    assert page.locator("#stem").inner_text() == first != second
    assert page.locator("#thumbs button[aria-pressed=true]").count() == 1


MAP = """(() => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [80, 48];
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(document.getElementById("map"), 0, 0);
    return [...context.getImageData(0, 0, 80, 48).data];
})()"""
"""The pixels of the difference map, 80 x 48 times red, green, blue and alpha."""


def test_the_difference_map_shows_the_difference(page):
    page.select_option("#left", label="infrared")
    page.select_option("#right", label="infrared")
    page.check("#difference")
    until(page, "document.getElementById('map').width === 80")
    assert page.evaluate(MAP) == [244, 244, 242, 255] * 80 * 48  # zero everywhere
    page.select_option("#right", label="Maximum")
    until(page, f"{MAP}.some((value, i) => i % 4 === 0 && value < 200)")
    shown = page.evaluate(MAP)
    assert all(red <= blue + 2 for red, blue in zip(shown[::4], shown[2::4], strict=True))  # brighter nowhere
    page.uncheck("#difference")
    assert not page.locator("#map").is_visible()
    assert page.locator("#handle").is_visible()


def test_a_missing_picture_is_said_to_be_missing(page):
    page.select_option("#right", label="second")
    place = page.evaluate("data.gallery.findIndex(entry => data.stems[entry.scene] === 's4')")
    page.locator("#thumbs button").nth(place).click()
    assert page.locator("#tag-right").inner_text() == "second (no picture)"
    page.check("#difference")
    assert page.locator("#image-values tbody tr", has_text="VIF").inner_text().split()[-1] == "–"


def test_the_tint_gives_grey_images_the_colour_of_the_source(page):
    page.select_option("#left", label="Maximum")
    page.select_option("#right", label="Maximum")
    grey = shown_colour(page, 0.3)
    page.select_option("#tint", "source")
    until(page, "document.querySelector('#layer-left .tint').complete")
    tinted = shown_colour(page, 0.3)
    assert len(set(grey)) == 1
    assert len(set(tinted)) > 1
    luma = 0.299 * tinted[0] + 0.587 * tinted[1] + 0.114 * tinted[2]
    assert luma == pytest.approx(grey[0], abs=3)


def test_zoomed_pictures_pan_by_scrolling(page):
    page.select_option("#zoom", "1")
    assert page.locator("#sheet").bounding_box()["width"] == 80
    page.set_viewport_size({"width": 320, "height": 844})
    page.select_option("#zoom", "4")
    width, scroll = page.evaluate("(s => [s.clientWidth, s.scrollWidth])(document.getElementById('stage'))")
    assert scroll == 320 > width
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_the_pictures_open_with_the_two_best_methods(page):
    best = page.evaluate("data.order.slice(0, 2).map(index => data.methods[index].name)")
    assert [page.locator(f"#tag-{side}").inner_text() for side in ("left", "right")] == best


def test_the_contents_are_named_like_the_headings(page):
    names = page.evaluate(
        """[...document.querySelectorAll('.contents a')].map(link =>
            [link.textContent, document.querySelector(`${link.hash} h2`).textContent])"""
    )
    assert len(names) == 9
    assert all(tab == head for tab, head in names), names


def test_the_chart_of_quality_and_time_fits_a_narrow_screen(page):
    page.set_viewport_size({"width": 390, "height": 844})
    inner, outer = page.locator(".pareto .plot").bounding_box(), page.locator(".pareto").bounding_box()
    assert outer["x"] < inner["x"]
    assert inner["x"] + inner["width"] < outer["x"] + outer["width"] <= 390


def test_a_table_that_goes_on_beyond_its_edge_fades_there(page):
    fades = "document.querySelector('#main-table').parentNode.classList.contains('more')"
    page.set_viewport_size({"width": 390, "height": 844})
    until(page, fades)
    page.evaluate("document.querySelector('#main-table').parentNode.scrollLeft = 9999")
    until(page, f"!{fades}")
    page.set_viewport_size({"width": 1280, "height": 844})
    until(page, f"!{fades}")
    page.evaluate("document.querySelector('#main-table').style.width = '1500px'")
    page.evaluate("document.querySelector('#main-table').parentNode.scrollLeft = 0")
    until(page, fades)
    assert "gradient" in page.evaluate("getComputedStyle(document.querySelector('.scroll.more')).maskImage")


def column(page, index: int) -> list[str]:
    return page.locator(f"#main-table tbody:not(.references) tr > :nth-child({index})").all_inner_texts()


def test_a_click_on_a_head_sorts_the_table(page):
    page.get_by_role("button", name="VIF", exact=True).click()
    values = [float(text) for text in column(page, 7)]
    assert values == sorted(values, reverse=True)  # the best first
    head = page.locator("#main-table th[aria-sort]")
    assert head.count() == 1
    assert head.get_attribute("aria-sort") == "descending"
    page.get_by_role("button", name="VIF", exact=True).click()
    assert [float(text) for text in column(page, 7)] == sorted(values)
    page.get_by_role("button", name="MSE", exact=True).click()
    errors = [float(text) for text in column(page, 9)]
    assert errors == sorted(errors)
    last = page.locator("#main-table tbody tr th").all_inner_texts()[2:]
    assert sorted(last) == ["Average", "Maximum"]


def test_tests_can_be_shown_for_each_metric(page, evaluation):
    summary = summarise(evaluation, resamples=50)
    page.select_option("#test", label="VIF")
    order = page.evaluate("data.order")
    shown = page.locator("#matrix tbody tr").first.locator("td").all_inner_texts()
    expected = summary.metric_tests.corrected[2, order[0], order[1:]]
    found = [text.strip("▲▼ ") for text in shown[1:]]
    assert found == [f"{p:.3f}" if p < 0.1 else f"{p:.2f}" for p in expected]


def test_a_method_can_be_picked_out(page):
    button = page.locator("#images [data-pick='1']")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    dim = page.evaluate("[...document.querySelectorAll('tr.dim')].map(row => row.dataset.method)")
    assert set(dim) == {"0", "2", "3"}
    button.click()
    page.mouse.move(0, 0)
    assert page.locator(".dim").count() == 0


def test_a_point_tells_its_image_and_opens_it(page, evaluation):
    method, scenes = page.locator("#images [data-points]").first.get_attribute("data-points").split(":")
    shown = page.evaluate("data.gallery.map(entry => entry.scene)")
    place = next(i for i, scene in enumerate(map(int, scenes.split("."))) if scene in shown)
    scene = int(scenes.split(".")[place])
    point = page.locator("#images [data-points]").first.locator("use").nth(place)
    point.dispatch_event("pointerover", {"bubbles": True})
    assert (
        f"{evaluation.scenes[scene].stem}: {evaluation.methods[int(method)].name}" in page.locator("#tip").inner_text()
    )
    point.dispatch_event("click", {"bubbles": True})
    until(page, f"scene().scene === {scene}")
    assert page.locator("#tag-right").inner_text() == evaluation.methods[int(method)].name


def test_links_to_the_worst_images_open_them(page):
    details = page.locator("details.worst")
    if details.get_attribute("open") is None:
        details.locator("summary").click()
    link = details.locator("a").last
    link.click()
    until(page, f"data.stems[scene().scene] === '{link.inner_text()}'")
    assert page.evaluate("document.getElementById('viewer').getBoundingClientRect().top < innerHeight")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_screen(page, width, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
    page.evaluate("document.querySelectorAll('details').forEach(details => (details.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    overflowing = page.evaluate(
        """[...document.querySelectorAll('main *')].filter(node => {
            const box = node.getBoundingClientRect();
            return box.right > innerWidth + 1 && !node.closest('.scroll, .stage, .thumbs, .unseen');
        }).map(node => node.outerHTML.slice(0, 80))"""
    )
    assert overflowing == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_the_page(page, scheme):
    page.emulate_media(color_scheme=scheme)
    ratios = page.evaluate(
        """(() => {
            const style = getComputedStyle(document.documentElement);
            const light = name => {
                const canvas = document.createElement('canvas').getContext('2d');
                canvas.fillStyle = style.getPropertyValue(name);
                canvas.fillRect(0, 0, 1, 1);
                const linear = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map(value => {
                    value /= 255;
                    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
                });
                return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
            };
            const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
            const found = {};
            for (const ground of ['--page', '--card'])
                for (const text of ['--ink', '--muted', '--accent', '--good', '--bad'])
                    found[text + ground] = ratio(text, ground);
            found.good = ratio('--good', '--good-soft');
            found.bad = ratio('--bad', '--bad-soft');
            return found;
        })()"""
    )
    assert min(ratios.values()) >= 4.5, ratios
