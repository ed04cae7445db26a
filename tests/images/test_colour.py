"""Luma out, chroma back in."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from imfuse.images import colour

UNIT = st.floats(0, 1, width=32)
WEIGHTS = np.array([0.299, 0.587, 0.114])


def hues(rgb: np.ndarray) -> np.ndarray:
    return np.array([colorsys.rgb_to_hsv(*pixel)[0] for pixel in rgb.reshape(-1, 3).astype(float)]) * 360


def hue_error(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    difference = np.abs(hues(first) - hues(second))
    return np.minimum(difference, 360 - difference)


@given(arrays(np.uint8, (6, 5, 3)))
def test_luma_is_that_of_bt601_to_the_rounding(pixels):
    assert np.abs(colour.luma(pixels) - pixels @ WEIGHTS).max() <= 0.51


def test_golden_lumas():
    pure = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0]]], np.uint8)
    np.testing.assert_array_equal(colour.luma(pure), [[76, 150, 29, 255, 0]])


def test_grey_passes_through():
    grey = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert colour.luma(grey) is grey


@given(
    arrays(np.float32, (5, 4, 3), elements=UNIT),
    arrays(np.float32, (5, 4), elements=UNIT),
)
def test_the_fused_luma_is_the_luma_of_the_coloured_result(rgb, fused):
    result = colour.colourise(fused, [rgb])
    assert result.min() >= 0
    assert result.max() <= 1
    np.testing.assert_allclose(result @ WEIGHTS, fused, atol=2e-5)


def test_the_hue_is_kept_under_one_degree_where_saturated():
    random = np.random.default_rng(1)
    rgb = random.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    fused = random.integers(0, 256, (64, 64), dtype=np.uint8)
    unit = colour.colourise(fused / np.float32(255), [rgb / np.float32(255)])
    spread = (unit.max(2) - unit.min(2)).ravel() > 0.1
    assert hue_error(unit, rgb)[spread].max() < 0.1
    eight = colour.colourise(fused, [rgb])
    saturated = (np.ptp(eight.astype(int), axis=2) > 64).ravel()
    assert hue_error(eight, rgb)[saturated].max() < 1


def test_eight_bits_and_floats_agree_to_the_rounding():
    random = np.random.default_rng(2)
    rgb = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    fused = random.integers(0, 256, (32, 32), dtype=np.uint8)
    unit = colour.colourise(fused / np.float32(255), [rgb / np.float32(255)])
    difference = np.abs(colour.colourise(fused, [rgb]) - unit * 255)
    assert np.median(difference) <= 0.5
    assert difference.max() <= 3  # half a level of luma, times the ratio of the chroma's parts, where it is shortened


def test_a_grey_colour_image_stays_grey():
    grey = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    result = colour.colourise(grey[::-1, ::-1, 0].copy(), [grey])
    assert np.ptp(result, axis=2).max() == 0


def test_merged_chroma_is_that_of_the_usual_rule():
    random = np.random.default_rng(3)
    first, second = random.random((2, 8, 8, 3), dtype=np.float32)
    chroma = [c - (c @ WEIGHTS)[..., None] for c in (first, second)]
    length = [np.linalg.norm(c, axis=2, keepdims=True) for c in chroma]
    expected = (chroma[0] * length[0] + chroma[1] * length[1]) / (length[0] + length[1])
    merged = colour.merge_chroma([colour.chroma_of(first), colour.chroma_of(second)])
    np.testing.assert_allclose(np.dstack(merged), expected, atol=1e-4)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_grey_partner_does_not_wash_out_the_colour(order):
    red, grey = np.full((2, 2, 3), (0.8, 0.2, 0.2), np.float32), np.full((2, 2, 3), 0.5, np.float32)
    merged = colour.merge_chroma([colour.chroma_of((red, grey)[i]) for i in order])
    np.testing.assert_allclose(np.dstack(merged), red - (red @ WEIGHTS)[..., None].astype(np.float32), atol=1e-4)


def test_equal_channels_are_grey_whatever_their_number():
    grey = np.random.default_rng(0).integers(0, 256, (300, 200), dtype=np.uint8)
    stored = np.repeat(grey[..., None], 3, axis=2)
    assert colour.is_grey(grey)
    assert colour.is_grey(stored)
    stored[150, 77, 2] ^= 1
    assert not colour.is_grey(stored)
