"""Paths as the page shows them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from imfuse.lab.bench.evaluation import Evaluation, Scene
from imfuse.lab.bench.page import write_page
from imfuse.lab.bench.page.paths import without_folders
from imfuse.lab.bench.statistics import summarise


@pytest.fixture
def somewhere(make_evaluation) -> Evaluation:
    evaluation = make_evaluation({"a": [[1.0]]}, ["VIF"])
    sources = (Path("/home/me/my data/ir/0.png"), Path("/home/me/my data/ir/deep/0.png"), Path("vis/0.png"))
    return replace(evaluation, scenes=(Scene("0", sources),))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/me/my data/ir/7 a.png is 2 x 3", "ir/7 a.png is 2 x 3"),
        ("/home/me/my data/ir/deep/7.png: no image", "deep/7.png: no image"),
        ("/home/me/my data/ir: 2 images lack", "ir: 2 images lack"),
        ("a: '/elsewhere/of/mine/fused/7.png' is damaged", "a: 'fused/7.png' is damaged"),
        ("C:\\Users\\me\\fused\\7.png is damaged", "fused\\7.png is damaged"),
        ("a.png is 2 x 3, and /one/two/b/c.png, 4 x 5", "a.png is 2 x 3, and b/c.png, 4 x 5"),
        ("vis/0.png: 3 of 4 in and/or out, 2/3/4/5", "vis/0.png: 3 of 4 in and/or out, 2/3/4/5"),
        ("see https://example.org/a/b/c", "see https://example.org/a/b/c"),
    ],
)
def test_paths_are_the_names_of_folder_and_file(somewhere, text, shown):
    assert without_folders([text], somewhere) == (shown,)


def test_the_page_names_no_folder_of_the_machine(tmp_path, evaluation, tasks):
    path = evaluation.scenes[0].sources[0]
    told = replace(tasks[0], remarks=(f"Not scored: {path}.",))
    evaluation = replace(evaluation, problems=(f"{path}: cannot be read", f"{tmp_path}/other/x.png: nor this"))
    write_page(tmp_path / "report.html", evaluation, summarise(evaluation, resamples=10), (), [told], gallery=1)
    html = (tmp_path / "report.html").read_text()
    assert "ir/s0.png: cannot be read" in html
    assert "other/x.png: nor this" in html
    assert "Not scored: ir/s0.png." in html
    assert str(path.parent.parent) not in html
    assert str(tmp_path) not in html
