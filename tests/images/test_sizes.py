"""Sources of unequal size are named, or brought to the size that is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from skimage.transform import downscale_local_mean

from imfuse.errors import SourceError
from imfuse.images.image import Image
from imfuse.images.sizes import check_sizes, match_sizes, resize_pixels


def blank(height: int, width: int) -> Image:
    return Image(np.zeros((height, width), np.uint8))


def test_equal_sizes_pass_and_are_returned_as_they_are() -> None:
    images = [blank(3, 4), Image(np.zeros((3, 4, 3), np.uint16))]
    check_sizes(images, ["a", "b"])
    for to in ("larger", "smaller", 0, 1):
        assert all(now is before for now, before in zip(match_sizes(images, to), images, strict=True))


def test_unequal_sizes_are_named_with_the_ways_out() -> None:
    with pytest.raises(SourceError) as caught:
        check_sizes([blank(480, 640), blank(512, 640)], ["infrared", "visible"])
    text = str(caught.value)
    assert "infrared is 640 x 480, visible is 640 x 512" in text
    assert "--resize larger|smaller|infrared|visible" in text
    assert "--align" in text


@pytest.mark.parametrize(
    ("to", "size"), [("larger", (9, 5)), ("smaller", (2, 7)), (0, (4, 4)), (1, (9, 5)), (2, (2, 7))]
)
def test_all_sources_take_the_size_of_the_one_that_is_asked_for(to: Any, size: tuple[int, int]) -> None:
    images = match_sizes([blank(4, 4), blank(9, 5), blank(2, 7)], to)
    assert [image.size for image in images] == [size] * 3


def test_the_first_of_two_equally_large_ones_counts() -> None:
    assert match_sizes([blank(2, 6), blank(3, 4)], "larger")[1].size == (2, 6)
    assert match_sizes([blank(2, 6), blank(3, 4)], "smaller")[1].size == (2, 6)


@pytest.mark.parametrize("to", ["visible", 2, -1, None])
def test_a_source_that_does_not_exist_is_an_error(to: Any) -> None:
    with pytest.raises(SourceError, match=r"cannot resize to .*expected larger, smaller or a position in 2 sources"):
        match_sizes([blank(1, 1), blank(2, 2)], to)


def test_shrinking_averages_areas_as_another_library_does() -> None:
    pixels = np.random.default_rng(0).random((12, 20)).astype(np.float32)
    np.testing.assert_allclose(resize_pixels(pixels, (4, 5)), downscale_local_mean(pixels, (3, 4)), atol=1e-6)


def test_growing_keeps_a_ramp_a_ramp() -> None:
    ramp = np.tile(np.arange(16, dtype=np.float32), (16, 1))
    grown = resize_pixels(ramp, (16, 48))
    expected = (np.arange(48) + 0.5) / 3 - 0.5  # pixel centres
    np.testing.assert_allclose(grown[:, 6:-6], np.tile(expected[6:-6], (16, 1)), atol=0.05)


@settings(max_examples=150, deadline=None)
@given(
    size=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    dtype=st.sampled_from([np.uint8, np.uint16, np.float32]),
    shape=npst.array_shapes(min_dims=2, max_dims=2, max_side=30),
    colour=st.booleans(),
    data=st.data(),
)
def test_depth_and_channels_stay_and_values_stay_in_their_range(
    size: tuple[int, int], dtype: Any, shape: tuple[int, int], colour: bool, data: st.DataObject
) -> None:
    elements = st.floats(-100, 300, width=32) if dtype == np.float32 else None
    pixels = data.draw(npst.arrays(dtype, (*shape, 3) if colour else shape, elements=elements))
    resized = resize_pixels(pixels, size)
    assert resized.shape == ((*size, 3) if colour else size)
    assert resized.dtype == dtype
    assert pixels.min() <= resized.min() <= resized.max() <= pixels.max()


def test_alpha_and_path_go_with_the_pixels(tmp_path: Any) -> None:
    alpha = np.array([[0, 255]], np.uint8)
    image = match_sizes([Image(alpha, alpha, tmp_path), blank(2, 4)], 1)[0]
    np.testing.assert_array_equal(image.alpha, image.pixels)
    assert image.path == tmp_path
