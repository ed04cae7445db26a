"""Targets: what is measured, and what is refused."""

from __future__ import annotations

import pytest

from imfuse.errors import RecipeError
from imfuse.lab.search.target import Target
from imfuse.runtime.cores import usable_cores


def test_parts_are_measured_at_sides_that_every_network_takes():
    assert (Target(height=480, width=640).rows, Target(height=480, width=640).columns) == (480, 640)
    assert (Target(height=481, width=1).rows, Target(height=481, width=1).columns) == (512, 32)


def test_threads_are_those_of_the_fuser_unless_given():
    assert Target(threads=3).used_threads == 3
    assert Target().used_threads == min(usable_cores(), 4)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("engine", "tensorrt", "engine 'tensorrt'; expected onnx or torch"),
        ("device", "gpu", "device 'gpu'; expected cpu or cuda"),
        ("threads", -1, "threads -1; expected a whole number from 0 up"),
        ("height", 0, "height 0; expected a whole number from 1 up"),
        ("width", 2.5, "width 2.5; expected a whole number from 1 up"),
    ],
)
def test_what_is_no_target_is_refused(field, value, expected):
    with pytest.raises(RecipeError, match=expected):
        Target(**{field: value})
