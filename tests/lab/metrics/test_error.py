"""MSE and PSNR against scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio

from imfuse.lab.metrics import functional as metrics

A, B, F = np.random.default_rng(0).uniform(0, 1, (3, 12, 15))
FUSED, SOURCES = torch.from_numpy(F)[None, None], torch.from_numpy(np.stack([A, B]))[None]


def test_mean_squared_error_is_the_mean_of_those_of_scikit_image():
    expected = (mean_squared_error(A, F) + mean_squared_error(B, F)) / 2
    assert metrics.mean_squared_error(FUSED, SOURCES).item() == pytest.approx(expected, rel=1e-12)


def test_peak_signal_noise_ratio_of_one_source_is_that_of_scikit_image():
    expected = peak_signal_noise_ratio(A, F, data_range=1)
    value = metrics.peak_signal_noise_ratio(FUSED, SOURCES[:, :1].expand(-1, 2, -1, -1)).item()
    assert value == pytest.approx(expected, rel=1e-12)


def test_the_peak_255_on_unit_data_is_48_decibels_too_high():
    of_peak_255 = metrics.peak_signal_noise_ratio(FUSED, SOURCES, convention="peak_255")
    excess = of_peak_255 - metrics.peak_signal_noise_ratio(FUSED, SOURCES)
    assert excess.item() == pytest.approx(48.1308, abs=1e-4)
