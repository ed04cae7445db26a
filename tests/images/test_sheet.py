"""The contact sheet shows what it says, at a size that fits a screen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imfuse.images.sheet import GAP, PAPER, STRIP, average, contact_sheet, for_display, fusion_sheet


def flat(value: int, height: int = 300, width: int = 400) -> np.ndarray:
    return np.full((height, width), value, np.uint8)


def test_sources_stand_above_the_average_and_the_fused_picture():
    sheet = fusion_sheet([flat(40), flat(80)], ["infrared", "visible"], flat(200))
    tile, row = 400 + GAP, 300 + STRIP + GAP
    centres = {(0, 0): 40, (0, 1): 80, (1, 0): 60, (1, 1): 200}
    for (line, column), value in centres.items():
        assert (sheet[GAP + line * row + STRIP + 150, GAP + column * tile + 200] == value).all()


def test_labels_are_drawn_in_their_strips():
    sheet = fusion_sheet([flat(0), flat(0)], ["infrared", "visible"], flat(0))
    for line in (0, 1):
        for column in (0, 1):
            top, left = GAP + line * (300 + STRIP + GAP), GAP + column * (400 + GAP)
            assert sheet[top : top + STRIP, left : left + 200].max() > 180


def test_every_source_of_a_long_stack_is_on_it():
    values = [10 * index + 30 for index in range(7)]
    sheet = fusion_sheet([flat(v) for v in values], [f"focus {i}" for i in range(7)], flat(201))
    assert {*values, 201} <= set(np.unique(sheet).tolist())


def test_the_average_is_the_mean_of_the_pictures():
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 256, (5, 6, 3), np.uint8) for _ in range(3)]
    np.testing.assert_allclose(average(pictures), np.mean(pictures, axis=0), atol=0.5)


def test_deep_pixels_are_stretched_for_the_eye():
    raw = np.linspace(7000, 9000, 200 * 300).astype(np.uint16).reshape(200, 300)
    shown = for_display(raw)
    assert shown.dtype == np.uint8
    assert (shown.min(), shown.max()) == (0, 255)


def test_a_long_label_is_cut_and_a_foreign_one_keeps_its_letters():
    long = contact_sheet([for_display(flat(0))], ["x" * 300], columns=1)
    assert long.shape == (300 + STRIP + 2 * GAP, 400 + 2 * GAP, 3)
    accents, plain = (contact_sheet([for_display(flat(0))], [label], columns=1) for label in ("été", "ete"))
    np.testing.assert_array_equal(accents, plain)


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 900),
    width=st.integers(1, 900),
    count=st.integers(2, 5),
    dtype=st.sampled_from(["u1", "u2", "f4"]),
)
def test_any_size_and_depth_gives_a_sheet(height, width, count, dtype):
    sources = [np.zeros((height, width), dtype) for _ in range(count)]
    sheet = fusion_sheet(sources, ["name"] * count, sources[0])
    assert sheet.dtype == np.uint8
    assert sheet.shape[2] == 3
    assert 240 + GAP < sheet.shape[1] <= GAP + max(count, 2) * (480 + GAP)


@pytest.mark.parametrize("width", [8, 100])
def test_small_pictures_are_enlarged_without_blur(width):
    picture = np.zeros((width, width, 3), np.uint8)
    picture[:, width // 2 :] = 255
    sheet = contact_sheet([picture], ["small"], columns=1)
    inner = sheet[GAP + STRIP : -GAP, GAP:-GAP]
    assert set(np.unique(inner).tolist()) == {0, 255}
    assert PAPER not in inner
