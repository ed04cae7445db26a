"""Stored values to [0, 1] and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from imfuse.errors import SourceError
from imfuse.images.depth import deepest_dtype, from_unit, to_unit, value_limits


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_stored_value_survives_the_way_to_unit_and_back(dtype):
    values = np.arange(np.iinfo(dtype).max + 1, dtype=dtype).reshape(-1, 256)
    np.testing.assert_array_equal(from_unit(to_unit(values), dtype), values)


@given(arrays(np.uint16, (7, 9)))
def test_percentiles_by_histogram_are_those_of_numpy(pixels):
    low, high = value_limits(pixels, "percentile")
    expected = np.percentile(pixels, (0.5, 99.5), method="lower")
    if expected[1] > expected[0]:
        assert (low, high) == tuple(expected)
    elif pixels.max() > pixels.min():
        assert (low, high) == (pixels.min(), pixels.max())
    else:
        assert (low, high) == (0, 65535)


def test_raw_fourteen_bit_thermal_fills_the_range_under_percentile():
    raw = np.random.default_rng(0).normal(7300, 60, (120, 160)).astype(np.uint16)
    raw[0, 0] = 16383  # one dead pixel must not decide the exposure
    unit = to_unit(raw, "percentile")
    assert 0.4 < unit.mean() < 0.6
    assert unit.std() > 0.15
    assert to_unit(raw).std() < 0.01


def test_minmax_reaches_both_ends():
    unit = to_unit(np.array([[3, 7, 5]], np.uint8), "minmax")
    np.testing.assert_allclose(unit, [[0, 1, 0.5]])


@pytest.mark.parametrize("value_range", ["minmax", "percentile"])
def test_a_constant_image_keeps_its_brightness(value_range):
    np.testing.assert_allclose(to_unit(np.full((4, 4), 51, np.uint8), value_range), 0.2, atol=1e-6)


@given(st.floats(-2, 3, width=32))
def test_from_unit_clips_and_rounds_half_up(value):
    expected = np.floor(np.clip(np.float32(value), 0, 1) * np.float32(255) + np.float32(0.5))
    assert from_unit(np.full((1, 1), value, np.float32), np.uint8)[0, 0] == expected


def test_from_unit_leaves_its_input_alone():
    unit = np.full((2, 2), 0.5, np.float32)
    from_unit(unit, np.uint16)
    np.testing.assert_array_equal(unit, 0.5)


def test_the_deepest_of_several_types_is_the_one_with_most_levels():
    eight, sixteen, floating = (np.zeros((1, 1), t) for t in (np.uint8, np.uint16, np.float64))
    assert deepest_dtype([eight, sixteen]) == np.uint16
    assert deepest_dtype([eight, floating, sixteen]) == np.float64


def test_a_type_that_is_no_picture_is_named():
    with pytest.raises(SourceError, match=r"int64.*uint8, uint16, or float"):
        to_unit(np.zeros((2, 2), np.int64))


def test_an_unknown_range_is_named_with_the_known_ones():
    with pytest.raises(SourceError, match=r"'auto'.*dtype, minmax, percentile"):
        to_unit(np.zeros((2, 2), np.uint8), "auto")


def test_floats_that_are_no_shares_of_white_are_refused_with_a_way_out():
    celsius = np.linspace(15, 40, 12, dtype=np.float32).reshape(3, 4)
    with pytest.raises(SourceError, match=r"between 15 and 40.*--range"):
        to_unit(celsius)
    assert np.ptp(to_unit(celsius, "minmax")) == 1
