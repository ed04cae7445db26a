"""Degradations keep shape, type and range, follow their formulas, and repeat under the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imfuse.lab.data import degradations

CHANGES = [getattr(degradations, name) for name in ("gamma", "contrast", "haze", "overexposure", "darkness", "noise")]


@pytest.mark.parametrize("change", CHANGES)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), height=st.integers(1, 20), width=st.integers(1, 20))
def test_every_change_stays_a_float32_image_in_the_unit_range(change, seed, height, width):
    source = np.random.default_rng(seed).random((height, width), dtype=np.float32)
    before = source.copy()
    changed = change(source, np.random.default_rng(seed))
    assert changed.shape == source.shape
    assert changed.dtype == np.float32
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert (source == before).all()


@pytest.mark.parametrize("change", CHANGES)
def test_the_same_seed_gives_the_same_change(change):
    source = np.random.default_rng(0).random((16, 16), dtype=np.float32)
    assert (change(source, np.random.default_rng(5)) == change(source, np.random.default_rng(5))).all()


def test_gamma_keeps_black_and_white_and_the_order_of_tones():
    ramp = np.linspace(0, 1, 50, dtype=np.float32)[None]
    changed = degradations.gamma(ramp, np.random.default_rng(1))
    assert changed[0, 0] == 0
    assert changed[0, -1] == 1
    assert (np.diff(changed) > 0).all()


def test_haze_lowers_contrast_towards_a_bright_airlight():
    source = np.random.default_rng(0).random((64, 64), dtype=np.float32)
    hazy = degradations.haze(source, np.random.default_rng(2))
    assert hazy.std() < source.std()
    assert hazy.mean() > source.mean()


def test_darkness_darkens_and_overexposure_clips_the_brightest():
    source = np.random.default_rng(0).random((64, 64), dtype=np.float32)
    assert degradations.darkness(source, np.random.default_rng(3)).max() <= 0.6
    bright = degradations.overexposure(source, np.random.default_rng(3))
    assert 0.04 < (bright == 1).mean() < 0.61
    assert (bright >= source).all()


def test_noise_has_no_bias_and_grows_with_the_light():
    deviations = {}
    for level in (0.3, 0.7):
        noisy = degradations.noise(np.full((256, 256), level, np.float32), np.random.default_rng(4))
        assert abs(noisy.mean() - level) < 1e-3
        deviations[level] = noisy.std()
    assert deviations[0.7] > deviations[0.3]


def test_inversion_undoes_itself():
    source = np.random.default_rng(0).random((8, 8), dtype=np.float32)
    np.testing.assert_allclose(degradations.invert(degradations.invert(source)), source, atol=1e-7)
