"""Weights that change, and terms as recipes write them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from imfuse.errors import RecipeError
from imfuse.lab.schedule import Schedule, read_weight
from imfuse.lab.term import Term, read_term


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("linear", [2, 2, 3, 4, 6, 6]),
        ("cosine", [2, 2, 2 + 4 * 0.1464466, 4, 6, 6]),
        ("step", [2, 2, 2, 2, 6, 6]),
    ],
)
def test_a_weight_goes_from_first_to_last(shape, expected):
    schedule = Schedule(first=2, last=6, start=0.2, end=0.6, shape=shape)
    assert [schedule.at(progress) for progress in (0, 0.2, 0.3, 0.4, 0.6, 1)] == pytest.approx(expected)


def test_a_change_at_once_has_no_width_to_divide_by():
    schedule = Schedule(first=0, last=1, start=0.5, end=0.5)
    assert [schedule.at(progress) for progress in (0.49, 0.5, 0.51)] == [0, 1, 1]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("much", "finite number, or a schedule"),
        (True, "finite number"),
        (float("nan"), "finite number"),
        ({"first": 0}, "last missing"),
        ({"first": 0, "last": 1, "until": 1}, "unknown until; its fields are first, last, start"),
        ({"first": 0, "last": "x"}, "last: 'x'"),
        ({"first": 0, "last": 1, "start": 0.6, "end": 0.5}, "0 <= start <= end <= 1"),
        ({"first": 0, "last": 1, "shape": "round"}, "linear, cosine, step"),
    ],
)
def test_a_weight_that_is_none_is_refused_with_what_is_allowed(value, message):
    with pytest.raises(RecipeError, match=message):
        read_weight(value)


def test_a_term_is_a_weight_or_names_its_loss_and_options():
    assert read_term("ssim", 2) == Term("ssim", 2.0)
    assert read_term("late", {"weight": {"first": 0, "last": 1}, "loss": "tv", "form": "squared"}) == Term(
        "tv", Schedule(0, 1), {"form": "squared"}
    )
    with pytest.raises(RecipeError, match=r"objective\.ssim: .* no `weight`"):
        read_term("ssim", {"operator": "sobel"})
    with pytest.raises(RecipeError, match=r"objective\.ssim: 'x'"):
        read_term("ssim", "x")


def test_terms_are_read_without_torch():
    code = "import sys; import imfuse.lab.term; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
