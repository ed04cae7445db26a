"""The classical methods against closed forms, a slow reference, and what tiling promises."""

from __future__ import annotations

from itertools import permutations

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from imfuse.classical import METHODS
from imfuse.classical.guided import guided_filter
from imfuse.classical.laplacian import MARGIN as LAPLACIAN_MARGIN

LEVEL = 1 / 255
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
tiled = {name: method for name, method in METHODS.items() if method.margin is not None}
tiled_method = pytest.mark.parametrize("method", tiled.values(), ids=tiled.keys())


def scene(height: int, width: int, seed: int) -> np.ndarray:
    """Blobs of several sizes with noise on them, in [0, 1]."""
    rng = np.random.default_rng(seed)
    image = rng.random((height, width), np.float32) * 0.2
    for cell in (2, 9, 40):
        coarse = rng.random((height // cell + 2, width // cell + 2), np.float32)
        image += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) * 0.3
    return np.clip(image, 0, 1)


@every_method
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    count=st.integers(2, 4),
    seed=st.integers(0, 99),
)
@settings(max_examples=25, deadline=None)
def test_equal_sources_of_any_size_come_back(method, height, width, count, seed):
    source = scene(height, width, seed)
    fused = method([source] * count)
    assert fused.dtype == np.float32
    assert fused.shape == source.shape
    np.testing.assert_allclose(fused, source, atol=2 * LEVEL)


@every_method
@pytest.mark.parametrize("count", [2, 3])
def test_order_of_sources_does_not_matter(method, count):
    sources = [scene(61, 83, seed) for seed in range(count)]
    fused = method(sources)
    for order in permutations(sources):
        np.testing.assert_allclose(method(order), fused, atol=1e-5)


@every_method
def test_an_image_and_its_negative_fuse_alike_in_either_order(method):
    image = scene(64, 64, 1)
    np.testing.assert_allclose(method([image, 1 - image]), method([1 - image, image]), atol=LEVEL)


@every_method
def test_output_stays_in_range_and_inputs_stay_as_they_are(method):
    rng = np.random.default_rng(3)
    sources = [np.round(rng.random((90, 77))).astype(np.float32) for _ in range(3)]
    before = [source.copy() for source in sources]
    fused = method(sources)
    assert fused.min() >= 0
    assert fused.max() <= 1
    for source, copy in zip(sources, before, strict=True):
        np.testing.assert_array_equal(source, copy)


@every_method
def test_one_array_of_sources_serves_as_well_as_a_list(method):
    stack = np.stack([scene(40, 50, seed) for seed in range(3)])
    # Where the planes lie in memory decides how OpenCV's vector code rounds.
    np.testing.assert_allclose(method(stack), method(list(stack)), atol=1e-6)


def test_average_and_maximum_are_what_they_say():
    sources = np.random.default_rng(0).random((3, 20, 30), np.float32)
    np.testing.assert_allclose(METHODS["average"](sources), sources.mean(0), atol=1e-6)
    np.testing.assert_array_equal(METHODS["maximum"](sources), sources.max(0))


@tiled_method
@given(
    tile=st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(330, 420), st.integers(330, 420)),
    inverted=st.booleans(),
)
@example(tile=(0, 8, 330, 332), inverted=True)
@settings(max_examples=8, deadline=None)
def test_a_crop_with_margin_gives_what_the_whole_gives(method, tile, inverted):
    first = scene(611, 593, 4)
    sources = [first, 1 - first if inverted else scene(611, 593, 5)]
    top, left = 32 * tile[0], 32 * tile[1] + (5 if method.size_multiple == 1 else 0)
    bottom, right = min(top + tile[2], 611), min(left + tile[3], 593)
    whole = method(sources)[top:bottom, left:right]
    crop = method([source[top:bottom, left:right] for source in sources])
    margin = method.margin
    rows = slice(margin if top else 0, bottom - top - (margin if bottom < 611 else 0))
    columns = slice(margin if left else 0, right - left - (margin if right < 593 else 0))
    assert crop[rows, columns].size
    np.testing.assert_allclose(crop[rows, columns], whole[rows, columns], atol=LEVEL)


@tiled_method
def test_nothing_beyond_the_margin_matters(method):
    side, centre = 800, 400
    rng = np.random.default_rng(6)
    sources = [rng.random((side, side), np.float32) for _ in range(2)]
    changed = [source.copy() for source in sources]
    outside = np.ones((side, side), bool)
    reach = method.margin
    outside[centre - reach : centre + reach + 1, centre - reach : centre + reach + 1] = False
    for source in changed:
        source[outside] = rng.random(int(outside.sum()), np.float32)
    before, after = method(sources), method(changed)
    assert before[centre, centre] == pytest.approx(after[centre, centre], abs=1e-5)


def test_the_pyramid_reaches_nearly_as_far_as_its_margin():
    sources = [scene(512, 512, seed) for seed in (1, 2)]
    changed = [sources[0], sources[1].copy()]
    changed[1][:, 256] = 1
    difference = METHODS["laplacian"](sources) - METHODS["laplacian"](changed)
    reach = np.abs(np.flatnonzero(np.abs(difference).max(axis=0) > 1e-6) - 256).max()
    assert LAPLACIAN_MARGIN // 2 < reach <= LAPLACIAN_MARGIN


def test_the_pyramid_keeps_the_sharp_half_of_each_source():
    sharp = scene(128, 128, 7)
    blurred = cv2.GaussianBlur(sharp, (0, 0), 3)
    left, right = sharp.copy(), blurred.copy()
    left[:, 64:], right[:, 64:] = blurred[:, 64:], sharp[:, 64:]
    fused = METHODS["laplacian-average"]([left, right])
    error = np.abs(fused - sharp).mean()
    assert error < 0.25 * np.abs(left - sharp).mean()


def test_the_base_by_maximum_is_brighter_than_by_average():
    sources = [np.full((64, 64), value, np.float32) for value in (0.2, 0.8)]
    np.testing.assert_allclose(METHODS["laplacian"](sources), 0.8, atol=1e-6)
    np.testing.assert_allclose(METHODS["laplacian-average"](sources), 0.5, atol=1e-6)


def slow_guided_filter(guide, image, radius, epsilon):
    """Equations (5), (6) and (8) of He, Sun and Tang, one window at a time."""

    def windows(plane):
        padded = np.pad(plane.astype(np.float64), radius, mode="reflect")
        side = 2 * radius + 1
        return np.lib.stride_tricks.sliding_window_view(padded, (side, side)).reshape(*plane.shape, -1)

    guides, images = windows(guide), windows(image)
    a = (guides * images).mean(-1) - guides.mean(-1) * images.mean(-1)
    a /= guides.var(-1) + epsilon
    b = images.mean(-1) - a * guides.mean(-1)
    return windows(a).mean(-1) * guide + windows(b).mean(-1)


@pytest.mark.parametrize(("radius", "epsilon"), [(1, 0.3), (4, 1e-2), (7, 1e-6)])
def test_guided_filter_agrees_with_the_equations_window_by_window(radius, epsilon):
    guide = scene(31, 44, 8)
    guide[:, 30:] = 0.7  # a flat part, where epsilon alone decides
    mask = (scene(31, 44, 9) > 0.5).astype(np.float32)
    expected = slow_guided_filter(guide, mask, radius, epsilon)
    np.testing.assert_allclose(guided_filter(guide, mask, radius, epsilon), expected, atol=1e-5)


def test_guided_filter_of_a_guide_that_is_the_image_keeps_its_edge():
    step = np.zeros((40, 40), np.float32)
    step[:, 20:] = 1
    np.testing.assert_allclose(guided_filter(step, step, 7, 1e-6), step, atol=1e-3)


def test_mertens_agrees_with_opencv_on_bytes():
    bytes_ = [np.round(scene(60, 70, seed) * 255).astype(np.uint8) for seed in (1, 2, 3)]
    expected = np.clip(cv2.createMergeMertens(1, 1, 1).process(bytes_), 0, 1)
    fused = METHODS["mertens"]([np.float32(source / 255) for source in bytes_])
    np.testing.assert_allclose(fused, expected, atol=1e-4)


def test_mertens_prefers_the_well_exposed_source():
    ramp = scene(64, 64, 5) * 0.1
    fused = METHODS["mertens"]([0.45 + ramp, 0.9 + ramp])
    assert abs(float(fused.mean()) - 0.5) < 0.1
