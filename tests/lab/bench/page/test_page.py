"""The page as a file: complete, escaped, the same each time, and with the numbers of the statistics."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files

import numpy as np
import pytest

from imfuse import __version__
from imfuse.errors import ImageWriteError
from imfuse.lab.bench.evaluation import Evaluation
from imfuse.lab.bench.page import write_page
from imfuse.lab.bench.statistics import summarise
from imfuse.lab.bench.tables.rows import table_rows
from imfuse.lab.metrics.registry import METRICS

VOID = {"meta", "link", "img", "input", "br"}


class Page(HTMLParser):
    """Tags with their attributes, the text outside scripts and styles, and the data of the scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.rows: list[list[list[str]]] = []  # of all tables: class and text of each cell
        self.feed(html)
        self.close()
        found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
        assert found
        self.data = json.loads(found[1], parse_constant=lambda name: pytest.fail(f"JSON has no {name}"))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append([dict(attrs).get("class") or "", ""])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data)
            if "td" in self.open or "th" in self.open:
                self.rows[-1][-1][1] += data

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


@pytest.fixture(scope="module")
def write(tmp_path_factory):
    def write(evaluation: Evaluation, remarks=(), **options) -> Page:
        path = tmp_path_factory.mktemp("page") / "report.html"
        write_page(path, evaluation, summarise(evaluation, resamples=50), remarks, **options)
        return Page(path.read_text(encoding="utf-8"))

    return write


@pytest.fixture(scope="module")
def page(write, evaluation, tasks, speed) -> Page:
    return write(evaluation, ("Beware of <i>noise</i>.",), tasks=tasks, speed=speed)


def test_the_same_evaluation_gives_the_same_file(tmp_path, evaluation, tasks, speed):
    summary = summarise(evaluation, resamples=50)
    for name in ("first.html", "second.html"):
        write_page(tmp_path / name, evaluation, summary, (), tasks, speed)
    assert (tmp_path / "first.html").read_bytes() == (tmp_path / "second.html").read_bytes()


def test_nothing_is_loaded_from_elsewhere(page):
    loads = [
        value
        for tag, attributes in page.tags
        for name, value in attributes.items()
        if name in ("src", "srcset", "href", "xlink:href", "data", "action", "poster") and tag != "b"
    ]
    assert loads
    assert all(value.startswith(("#", "data:")) for value in loads)
    policies = [a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies
    assert "default-src 'none'" in policies[0]


def test_styles_name_no_other_file():
    style = files("imfuse.lab.bench.page").joinpath("style.css").read_text()
    assert not re.search(r"@import|url\(|https?:", style)


def test_all_tags_are_closed_and_ids_unique_and_known(page):
    assert page.open == []
    counts = Counter(a["id"] for _, a in page.tags if "id" in a)
    assert max(counts.values()) == 1
    inside = {a["href"][1:] for tag, a in page.tags if tag == "a" and a["href"].startswith("#")}
    assert {name for name in inside if not name.startswith("view=")} <= set(counts)
    named = {name for _, a in page.tags for name in (a.get("aria-labelledby") or "").split()}
    assert named <= set(counts)


def test_names_are_text_and_no_markup(page, evaluation):
    name = evaluation.methods[0].name
    assert name in page.text
    assert evaluation.title in page.text
    assert "Beware of <i>noise</i>." in page.text
    assert evaluation.problems[0] in page.text
    assert not any(tag == "i" and not a for tag, a in page.tags)
    assert page.data["methods"][0]["name"] == name


def test_the_head_says_how_many_and_by_which_version(page):
    for words in ("5 images", "2 methods and 2 references", "5 metrics", "2 sources: infrared, visible", __version__):
        assert words in page.text


def test_the_table_has_the_rows_and_marks_of_all_formats(page, evaluation):
    expected = [
        (
            [row.name, str(row.images), *(cell.text + cell.interval.strip() for cell in row.all_cells)],
            [c.mark for c in row.all_cells],
        )
        for row in table_rows(evaluation, summarise(evaluation, resamples=50))
    ]
    head = next(i for i, row in enumerate(page.rows) if [text for _, text in row[:2]] == ["Method", "Images"])
    rows = page.rows[head + 1 : head + 1 + len(expected)]
    found = [
        (
            [text for _, text in row],
            [kind.removeprefix("number").strip() for kind, _ in row[2:]],
        )
        for row in rows
    ]
    assert found == expected


def test_a_column_has_the_mean_rank_without_metrics_that_reward_noise(page, write, evaluation):
    def buttons(page: Page) -> str:
        return next(" ".join(text for _, text in row) for row in page.rows if "Mean rank" in row[2][1])

    assert "without †" in buttons(page)
    assert "Mean rank without †: over MI, VIF, SSIM alone." in page.text
    other = write(replace(evaluation, ranked=("VIF", "SSIM")), gallery=1)
    assert "without †" not in buttons(other)


def test_tips_of_metrics_name_the_words_and_the_paper(page, evaluation):
    tips = [a["data-tip"] for tag, a in page.tags if tag == "th" and "data-tip" in a]
    for name in evaluation.metrics:
        assert any(METRICS[name].title in tip and METRICS[name].paper in tip for tip in tips)
    assert any("convention nats" in tip for tip in tips)


def test_the_scripts_get_every_value(page, evaluation):
    values = np.array(page.data["values"], dtype=np.float64)  # None becomes NaN
    np.testing.assert_allclose(values, evaluation.values, rtol=1e-4)


def test_tests_of_each_metric_are_there_for_the_chooser(page, evaluation):
    summary = summarise(evaluation, resamples=50)
    tests = np.array(page.data["tests"], dtype=np.float64)
    np.testing.assert_allclose(tests[0], summary.rank_tests.corrected, rtol=1e-4)
    np.testing.assert_allclose(tests[1:], summary.metric_tests.corrected, rtol=1e-4)


def test_infinite_values_and_metrics_without_values_can_be_shown(write, evaluation):
    values = evaluation.values.copy()
    values[0, 1, 2], values[:, 2], values[1, 3] = np.inf, np.nan, 0.5
    page = write(replace(evaluation, values=values), gallery=1)
    assert page.data["values"][0][1][2] == "inf"
    assert "∞" in page.text


@pytest.mark.parametrize("kept", [[0], [2], [2, 3]])
def test_one_method_and_references_alone_can_be_shown(write, evaluation, kept):
    methods, values = tuple(evaluation.methods[i] for i in kept), evaluation.values[kept]
    page = write(replace(evaluation, methods=methods, values=values), gallery=1)
    assert f"{methods[0].name}" in page.text


def test_one_image_can_be_shown(write, evaluation):
    page = write(replace(evaluation, scenes=evaluation.scenes[:1], values=evaluation.values[..., :1]))
    assert "1 image " in page.text


def test_without_a_mean_rank_the_page_says_so(write, evaluation):
    page = write(replace(evaluation, ranked=()), gallery=1)
    assert "there is no mean rank" in page.text


def test_task_scores_have_their_intervals_and_remarks(page):
    assert "Detection by a detector" in page.text
    assert any([text for _, text in row] == ["second", "0.7000.600–0.800", "0.3500.250–0.450"] for row in page.rows)
    assert "The detector has seen visible images only." in page.text


def test_without_a_speed_table_the_times_of_the_run_are_shown(write, evaluation):
    page = write(evaluation, gallery=1)
    labels = [a["aria-label"] for tag, a in page.tags if tag == "svg" and a.get("aria-label")]
    assert any("second" in label and "12.5 ms" in label for label in labels)


def test_without_any_times_there_is_no_section_on_speed(write, evaluation):
    methods = tuple(replace(method, milliseconds={}) for method in evaluation.methods)
    page = write(replace(evaluation, methods=methods), gallery=1)
    assert not any(a.get("id") == "speed" for _, a in page.tags)


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path, evaluation):
    (tmp_path / "file").write_text("")
    with pytest.raises(ImageWriteError, match="cannot be written"):
        write_page(tmp_path / "file" / "report.html", evaluation, summarise(evaluation, resamples=50), (), gallery=1)
