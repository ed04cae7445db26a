"""SD, SF and AG against NumPy and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from imfuse.lab.metrics import functional as metrics

PIXELS = np.random.default_rng(0).uniform(0, 255, (13, 17))


def tensor(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels / 255.0)[None, None]


def ramp(height: int, width: int) -> torch.Tensor:
    return tensor(np.tile(np.arange(width, dtype=float), (height, 1)))


def test_standard_deviation_is_that_of_numpy():
    assert metrics.standard_deviation(tensor(PIXELS)).item() == pytest.approx(PIXELS.std(), rel=1e-12)


@pytest.mark.parametrize("convention", ["imfuse", "over_hw"])
def test_spatial_frequency_is_that_of_its_formula(convention):
    across, down = np.diff(PIXELS, axis=1) ** 2, np.diff(PIXELS, axis=0) ** 2
    counts = (PIXELS.size, PIXELS.size) if convention == "over_hw" else (across.size, down.size)
    expected = math.sqrt(across.sum() / counts[0] + down.sum() / counts[1])
    assert metrics.spatial_frequency(tensor(PIXELS), convention=convention).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("convention", ["imfuse", "over_hw"])
def test_average_gradient_is_that_of_the_gradient_of_numpy(convention):
    gy, gx = np.gradient(PIXELS)
    count = PIXELS.size if convention == "over_hw" else (PIXELS.shape[0] - 1) * (PIXELS.shape[1] - 1)
    expected = np.sqrt((gx**2 + gy**2) / 2).sum() / count
    assert metrics.average_gradient(tensor(PIXELS), convention=convention).item() == pytest.approx(expected, rel=1e-12)


def test_a_ramp_has_values_in_closed_form():
    assert metrics.spatial_frequency(ramp(12, 16)).item() == pytest.approx(1)
    assert metrics.average_gradient(ramp(12, 16)).item() == pytest.approx(math.sqrt(0.5) * 12 * 16 / (11 * 15))


def test_a_side_of_one_pixel_contributes_nothing():
    assert metrics.spatial_frequency(ramp(1, 16)).item() == pytest.approx(1)
    assert metrics.average_gradient(ramp(1, 16)).item() == 0
