"""What the plots say, and how they stand in a page."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from scipy.stats import wilcoxon

from imfuse.lab.bench.page import plots, svg
from imfuse.lab.bench.page.comparisons import pairwise_directions
from imfuse.lab.bench.page.labels import SIDES, place_labels
from imfuse.lab.bench.page.speed import Timing, pareto_front, timings
from imfuse.lab.bench.statistics import summarise


def parsed(markup: str) -> ET.Element:
    xmlns = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return ET.fromstring(str(markup).replace("<svg ", f"<svg {xmlns} ", 1))


def texts(markup: str) -> list[str]:
    return ["".join(node.itertext()) for node in parsed(markup).iter("{http://www.w3.org/2000/svg}text")]


def test_colours_are_those_of_the_page(evaluation):
    markup = plots.mean_ranks(evaluation, summarise(evaluation, resamples=50))
    assert "var(--series-0)" in markup
    assert "var(--reference-1)" in markup
    assert not re.search(r"(?:fill|stroke): ?#", markup)
    assert "font-family" not in markup


def test_names_are_text_of_the_plot_and_never_formulas(evaluation):
    names = ("$x^2$ </svg>", "#010101", "日本 & co", "Average")
    methods = tuple(replace(m, name=n) for m, n in zip(evaluation.methods, names, strict=True))
    markup = plots.distribution(replace(evaluation, methods=methods), "VIF", range(4))
    assert set(names) <= set(texts(markup))


def test_the_mean_ranks_are_written_beside_the_methods(evaluation):
    summary = summarise(evaluation, resamples=50)
    found = texts(plots.mean_ranks(evaluation, summary))
    assert {f"{rank:.2f}" for rank in summary.mean_ranks} <= set(found)
    names = [text for text in found if text in {method.name for method in evaluation.methods}]
    assert names == [evaluation.methods[i].name for i in summary.order]


def test_each_point_of_a_distribution_belongs_to_its_image(evaluation):
    markup = plots.distribution(evaluation, "VIF", [1, 0, 2, 3])
    groups = {}
    for group in parsed(markup).iter("{http://www.w3.org/2000/svg}g"):
        if "data-points" in group.attrib:
            method, _, scenes = group.attrib["data-points"].partition(":")
            uses = [float(u.attrib["x"]) for u in group.iter("{http://www.w3.org/2000/svg}use")]
            groups[int(method)] = dict(zip(map(int, scenes.split(".")), uses, strict=True))
    values = evaluation.values[:, evaluation.metrics.index("VIF")]
    for method, places in groups.items():
        assert set(places) == set(np.flatnonzero(np.isfinite(values[method])))
        measured = values[method][list(places)]
        assert np.corrcoef(measured, list(places.values()))[0, 1] == pytest.approx(1, abs=1e-6)
    assert set(groups) == {0, 1, 2, 3}


def test_of_many_images_the_outermost_are_points(make_evaluation):
    values = np.random.default_rng(0).normal(size=(1, 500))
    markup = plots.distribution(make_evaluation({"mine": values}, ("VIF",)), "VIF", [0])
    scenes = [int(s) for s in re.search(r'data-points="0:([\d.]+)"', markup)[1].split(".")]
    assert len(scenes) == plots.POINTS
    assert {values[0].argmin(), values[0].argmax()} <= set(scenes)


def test_further_methods_take_colours_again_but_other_dashes(make_evaluation):
    names = [str(i) for i in range(svg.SERIES + 1)]
    colours = svg.series(make_evaluation(dict.fromkeys(names, np.zeros((1, 2))), ("VIF",)))
    assert len(set(colours)) == svg.SERIES
    assert svg.dash(0) != svg.dash(svg.SERIES)


def test_labels_of_near_points_do_not_overlap():
    figure = svg.figure(500, 300)
    axes = svg.axes(figure, 40, 40, 10, 10)
    axes.set(xlim=(0, 10), ylim=(0, 10))
    place_labels(axes, [5, 5.1, 5.2, 9.9], [5, 5.1, 4.9, 5], ["first", "second", "third", "at the edge"])
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert len(SIDES) >= len(boxes)
    assert not any(first.overlaps(second) for first, second in itertools.combinations(boxes, 2))
    assert all(box.x1 <= axes.get_window_extent().x1 for box in boxes)


def dominates(first: Timing, second: Timing) -> bool:
    pairs = [(first.milliseconds, second.milliseconds), (first.mean_rank, second.mean_rank)]
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def test_the_front_holds_whom_nobody_beats():
    generator = np.random.default_rng(0)
    points = [Timing(i, "", *generator.integers(1, 9, 2).astype(float)) for i in range(30)]
    front = [points[i] for i in pareto_front(points)]
    unbeaten = {(p.milliseconds, p.mean_rank) for p in points if not any(dominates(q, p) for q in points)}
    assert {(p.milliseconds, p.mean_rank) for p in front} == unbeaten
    assert front == sorted(front, key=lambda p: p.milliseconds)


def test_times_come_from_the_commonest_setting_and_the_fastest_engine(evaluation, speed):
    found, source = timings(evaluation, summarise(evaluation, resamples=50), speed)
    assert [(t.method, t.label, t.milliseconds) for t in found] == [(1, "second", 20.0), (2, "average", 1.0)]
    assert "640 x 480" in source
    assert "fastest engine" in source


def test_a_speed_table_without_the_methods_gives_way_to_the_times_of_the_run(evaluation, speed):
    others = replace(speed, rows=speed.rows[-1:])
    found, source = timings(evaluation, summarise(evaluation, resamples=50), others)
    assert [(t.label, t.milliseconds) for t in found] == [("second", 12.5)]
    assert "when the images were fused" in source


def test_directions_are_those_of_the_one_sided_test():
    values = np.random.default_rng(0).normal(size=(5, 30)) + np.arange(5)[:, None] * 0.3
    directions = pairwise_directions(values)
    for i, j in itertools.permutations(range(5), 2):
        greater = wilcoxon(values[i], values[j], alternative="greater").pvalue < 0.5
        assert directions[i, j] == (1 if greater else -1)
    assert (np.diag(directions) == 0).all()


def test_equal_infinities_have_no_direction():
    values = np.array([[np.inf, np.inf, 1.0], [np.inf, np.inf, 2.0], [np.nan, np.inf, 2.0]])
    assert pairwise_directions(values).tolist() == [[0, -1, -1], [1, 0, 0], [1, 0, 0]]
