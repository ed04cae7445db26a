"""Axes, charts, labels and thinned courses: what they keep and what they never do."""

from __future__ import annotations

import math
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imfuse.lab.search.page.axis import Axis
from imfuse.lab.search.page.chart import Chart
from imfuse.lab.search.page.story import read_story
from imfuse.lab.search.page.thinning import kept, runs
from imfuse.lab.search.page.trajectories import LINE, spread, trajectories
from imfuse.lab.search.page.words import number

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20)


@given(VALUES)
def test_an_axis_holds_its_values_and_has_few_round_ticks(values):
    axis = Axis.around([*values, math.inf, math.nan])
    assert all(0 <= axis.share(value) <= 1 for value in values)
    ticks = axis.ticks(5)
    assert 1 <= len(ticks) <= 6
    assert all(axis.low - 1e-9 * abs(axis.low) <= tick <= axis.high + 1e-9 * abs(axis.high) for tick in ticks)


@given(st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=20))
def test_a_logarithmic_axis_gives_equal_factors_equal_lengths(values):
    axis = Axis.around(values, log_from=10)
    assert axis.log == (min(values) * 10 <= max(values))
    if axis.log:
        middle = math.sqrt(axis.low * axis.high)
        assert axis.share(middle) == pytest.approx(0.5, abs=1e-6)
        assert all(axis.low <= tick <= axis.high for tick in axis.ticks())
        assert axis.ticks()


@given(st.lists(st.floats(20, 160), min_size=1, max_size=8).map(sorted))
def test_labels_keep_their_order_their_distance_and_their_bounds(wanted):
    heights = spread(wanted, 20, 160)
    assert all(later - earlier >= LINE - 1e-6 for earlier, later in pairwise(heights))
    assert heights[0] >= 20 - 1e-6
    assert heights[-1] <= 160 + 1e-6


def test_labels_that_have_room_stay_where_they_are():
    assert spread([20, 60, 100], 0, 120) == [20, 60, 100]


@given(st.integers(1, 500), st.integers(2, 60))
def test_what_is_kept_holds_the_first_and_the_last(length, most):
    found = kept(length, most, [length // 2])
    assert found[0] == 0
    assert found[-1] == length - 1
    assert length // 2 in found
    assert len(found) <= most + 1
    assert found == sorted(set(found))


@given(st.lists(st.floats(-100, 100), max_size=300), st.integers(1, 60))
def test_runs_lose_no_value_and_no_extreme(values, most):
    found = runs(list(range(len(values))), values, most)
    assert len(found) == min(most, len(values))
    assert [run.step for run in found][-1:] == [len(values) - 1][: len(values)]
    assert min((run.low for run in found), default=0) == min(values, default=0)
    assert max((run.high for run in found), default=0) == max(values, default=0)


def test_marks_stand_where_the_axes_say():
    chart = Chart(Axis(0, 10), Axis(0, 1), width=120, height=100)
    chart.dot(10, 0, "a", tip="1 < 2")
    chart.line([0, 10], [0, 1], "b")
    svg = ET.fromstring(chart.svg('A "chart"'))
    circle, path = svg
    assert (circle.get("cx"), circle.get("cy")) == (f"{chart.right:.1f}", f"{chart.bottom:.1f}")
    assert path.get("d") == f"M{chart.left:.1f} {chart.bottom:.1f}L{chart.right:.1f} {chart.top:.1f}"
    assert circle[0].text == "1 < 2"
    assert svg.get("aria-label") == 'A "chart"'


@pytest.mark.parametrize("value", [123456.0, 12.3456, 0.0123456, 1.2345e-9, -3.14159, 0.0])
def test_numbers_keep_four_digits(value):
    assert float(number(value)) == pytest.approx(value, rel=5e-4)


def test_probabilities_are_those_before_a_choice_was_settled(done):
    story = read_story(done["finished"])
    found = {trajectory.choice.name: trajectory for trajectory in trajectories(story)}
    assert (found["width"].steps[-1], found["width"].settled) == (390, True)
    assert 0.5 < max(found["width"].final) < 1
    assert story.probabilities["width"] == found["width"].final
    assert (found["cell1.csc.op1"].steps[-1], found["cell1.csc.op1"].settled) == (1000, False)


def test_a_choice_that_was_never_settled_may_be_certain(done):
    story = read_story(done["finished"])
    certain = [1.0] + [0.0] * 10
    for row in story.rows[50:]:
        row.probabilities["cell1.csc.op1"] = certain
    found = {trajectory.choice.name: trajectory for trajectory in trajectories(story)}["cell1.csc.op1"]
    assert (found.steps[-1], found.final) == (1000, certain)
