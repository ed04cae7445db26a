"""Tiles give what the whole gives, in bounded memory."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import imfuse
from imfuse.runtime.fuser import Fuser
from imfuse.runtime.tiling import BYTES_PER_PIXEL, BYTES_PER_SOURCE, SizeRule, run_padded, tile_side, tiles


class Blur:
    """An engine whose reach is known: the mean over a square of 2 radius + 1, on sides that are multiples of 4."""

    def __init__(self, radius: int) -> None:
        self.radius = radius
        self.largest = 0

    def run(self, sources):
        assert all(side % 4 == 0 for side in sources.shape[1:])
        self.largest = max(self.largest, sources[0].size)
        size = 2 * self.radius + 1
        return cv2.blur(sources.mean(0), (size, size), borderType=cv2.BORDER_REPLICATE)


def budget(side: int) -> float:
    """Megabytes that admit tiles of this side, of two sources."""
    return side * side * (BYTES_PER_PIXEL + 2 * BYTES_PER_SOURCE) / 2**20


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    radius=st.integers(0, 9),
    side=st.integers(40, 120),
)
def test_tiled_equals_whole(height, width, radius, side):
    sources = list(np.random.default_rng(0).random((2, height, width), dtype=np.float32))
    whole = Fuser(Blur(radius), size_multiple=4, margin=radius)(*sources)
    tiled = Fuser(Blur(radius), size_multiple=4, margin=radius, memory_mb=budget(side))
    np.testing.assert_allclose(tiled(*sources), whole, atol=1e-6)


def test_sources_fused_one_after_the_other_have_the_margin_of_all_passes():
    sources = list(np.random.default_rng(0).random((4, 200, 180), dtype=np.float32))
    whole = Fuser(Blur(5), size_multiple=4, margin=5)(*sources)
    tiled = Fuser(Blur(5), size_multiple=4, margin=5, memory_mb=0.1)
    np.testing.assert_allclose(tiled(*sources), whole, atol=1e-6)
    assert tiled.engine.largest < 200 * 180


def test_tiles_of_colour_and_depth_equal_the_whole():
    random = np.random.default_rng(0)
    infrared = random.integers(7000, 7800, (150, 210)).astype(np.uint16)
    visible = random.integers(0, 256, (150, 210, 3), dtype=np.uint8)
    whole, tiled = (
        Fuser(Blur(3), sources=("infrared", "visible"), size_multiple=4, margin=3, memory_mb=memory)
        for memory in (100, 0.5)
    )
    assert np.abs(whole(infrared, visible).astype(int) - tiled(infrared, visible)).max() <= 1
    assert tiled.engine.largest < whole.engine.largest


def test_no_engine_call_is_larger_than_the_budget_admits():
    engine = Blur(3)
    picture = np.zeros((500, 700), np.uint8)
    fuser = Fuser(engine, size_multiple=4, margin=3, memory_mb=4)
    fuser(picture, picture)
    assert engine.largest <= tile_side(fuser.rule, 2, 4) ** 2 < 500 * 700


@given(st.integers(1, 400), st.integers(1, 400), st.integers(0, 20), st.sampled_from([1, 2, 8]))
def test_inner_parts_cover_the_image_once_and_outer_parts_hold_the_margin(height, width, margin, multiple):
    rule = SizeRule(multiple, margin)
    covered = np.zeros((height, width), int)
    for tile in tiles(height, width, rule, 2, memory_mb=2):
        covered[tile.inner] += 1
        for part, whole, length in zip(tile.inner, tile.outer, (height, width), strict=True):
            assert whole.start % multiple == 0
            assert whole.start <= max(part.start - margin, 0)
            assert whole.stop >= min(part.stop + margin, length)
        outer = np.zeros((height, width))[tile.outer]
        assert outer[tile.cut].shape == covered[tile.inner].shape
    assert (covered == 1).all()


def test_an_engine_without_a_margin_is_run_whole():
    engine = Blur(1)
    picture = np.zeros((400, 400), np.uint8)
    Fuser(engine, size_multiple=4, margin=None, memory_mb=1)(picture, picture)
    assert engine.largest == 160_000


def test_padding_does_not_show():
    sources = np.random.default_rng(0).random((2, 30, 41), dtype=np.float32)
    fused = run_padded(Blur(0), sources, 4)
    np.testing.assert_allclose(fused, sources.mean(0), atol=1e-6)


TILED = [m for m in imfuse.list_models() if Fuser.load(m).rule.margin is not None]


@pytest.mark.parametrize("model", TILED)
def test_every_model_gives_the_same_in_tiles(model):
    random = np.random.default_rng(5)
    fuser = Fuser.load(model, memory_mb=1)
    height, width = (int(1.3 * tile_side(fuser.rule, 2, 1)) + odd for odd in (37, 5))
    assert len(list(tiles(height, width, fuser.rule, 2, 1))) > 1
    coarse = random.random((2, height // 16 + 1, width // 16 + 1), dtype=np.float32)
    sources = np.stack([cv2.resize(c, (width, height)) for c in coarse])
    sources = np.clip(sources + random.normal(0, 0.05, sources.shape), 0, 1).astype(np.float32)
    whole = Fuser.load(model, memory_mb=100_000)(*sources)
    assert np.abs(fuser(*sources) - whole).max() <= 1 / 255
