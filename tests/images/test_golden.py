"""Colour and depth stay as they were: fused pictures equal the files that `tests/golden/make.py` made."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

from imfuse.images.colour import luma
from imfuse.images.files import read_image

FOLDER = Path(__file__).resolve().parents[1] / "golden"
MAKE = runpy.run_path(str(FOLDER / "make.py"))
CASES = MAKE["cases"]()
EVERY = [(method, case) for method in MAKE["METHODS"] for case in CASES]


def stored(method: str, case: str) -> np.ndarray:
    return read_image(FOLDER / f"{method}_{case}.png").pixels


@pytest.mark.parametrize(("method", "case"), EVERY)
def test_a_fused_picture_equals_its_golden_file_within_one_level(method, case):
    fused, golden = MAKE["fuse"](method, CASES[case]), stored(method, case)
    assert (fused.dtype, fused.shape) == (golden.dtype, golden.shape)
    assert np.abs(fused.astype(int) - golden).max() <= 1


def test_no_golden_file_is_left_without_a_test():
    assert {path.stem for path in FOLDER.glob("*.png")} == {f"{method}_{case}" for method, case in EVERY}


@pytest.mark.parametrize(
    ("case", "dtype"),
    [
        ("grey_and_colour", np.uint8),
        ("two_colours", np.uint8),
        ("raw_thermal_and_colour", np.uint16),
        ("floats", np.uint16),
    ],
)
def test_the_golden_averages_have_the_mean_luma_and_the_depth_of_the_deepest_source(case, dtype):
    golden = stored("average", case)
    assert golden.dtype == dtype
    units = []
    for source in CASES[case]:
        grey = source if source.ndim == 2 else source @ np.array([0.299, 0.587, 0.114])
        low, high = np.percentile(source, (0.5, 99.5)) if source.dtype == np.uint16 else (0, np.iinfo(np.uint8).max)
        units.append(np.clip((grey - low) / (high - low), 0, 1) if source.dtype.kind == "u" else grey)
    found = luma(golden) / np.iinfo(dtype).max
    # Half a level each from the lumas, the fused luma, its channels and their luma.
    assert np.abs(found - np.mean(units, axis=0)).max() <= 2 / 255
