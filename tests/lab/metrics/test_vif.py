"""VIF against sewar, and against plain convolutions with whole windows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d
from sewar.full_ref import vifp

from imfuse.lab.metrics import functional as metrics


def pixels(seed: int, height: int = 96, width: int = 120) -> np.ndarray:
    coarse = torch.rand(1, 1, height // 8, width // 8, generator=torch.Generator().manual_seed(seed))
    fine = torch.nn.functional.interpolate(coarse.double(), (height, width), mode="bicubic").clamp(0, 1)
    grain = np.random.default_rng(seed).normal(0, 3, (height, width))
    return np.clip(fine[0, 0].numpy() * 220 + grain, 0, 255)


def tensor(*images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.stack(images) / 255)[None]


def off_centre_vifp(source: np.ndarray, fused: np.ndarray) -> float:
    """Window and border as in IVIF_ZOO, by the formulas of Sheikh and Bovik as they stand in the paper."""
    kept = held = 0.0
    for scale in range(1, 5):
        size = 2 ** (5 - scale) + 1
        position = np.linspace(-(size + 1) / 2, (size - 1) / 2, size)
        window = np.exp(-(position[:, None] ** 2 + position[None] ** 2) / (2 * (size / 5) ** 2))
        window /= window.sum()

        def smooth(image: np.ndarray, window: np.ndarray = window) -> np.ndarray:
            return correlate2d(image, window, mode="same")

        if scale > 1:
            source, fused = smooth(source)[::2, ::2], smooth(fused)[::2, ::2]
        variance_s = np.maximum(smooth(source**2) - smooth(source) ** 2, 0)
        variance_f = np.maximum(smooth(fused**2) - smooth(fused) ** 2, 0)
        covariance = smooth(source * fused) - smooth(source) * smooth(fused)
        gain = np.where(variance_s > 1e-10, np.maximum(covariance, 0) / np.maximum(variance_s, 1e-10), 0)
        noise = np.maximum(variance_f - gain * covariance, 1e-10)
        kept += np.log2(1 + gain**2 * variance_s / (noise + 2)).sum()
        held += np.log2(1 + variance_s / 2).sum()
    return kept / held


A, B = pixels(1), pixels(2)
F = 0.6 * A + 0.4 * B


def test_it_is_the_sum_of_those_of_sewar():
    expected = vifp(A, F) + vifp(B, F)
    assert metrics.visual_information_fidelity(tensor(F), tensor(A, B)).item() == pytest.approx(expected, rel=1e-6)


def test_the_off_centre_window_is_that_of_its_definition():
    expected = off_centre_vifp(A, F) + off_centre_vifp(B, F)
    value = metrics.visual_information_fidelity(tensor(F), tensor(A, B), convention="off_centre").item()
    assert value == pytest.approx(expected, rel=1e-8)


def test_noise_is_not_rewarded_and_contrast_is():
    noisy = F + np.random.default_rng(0).normal(0, 10, F.shape)
    stronger = 0.5 * A + 64
    assert vif(noisy) < vif(F)
    assert metrics.visual_information_fidelity(tensor(A), tensor(stronger, stronger)).item() > 2


def vif(fused: np.ndarray) -> float:
    return metrics.visual_information_fidelity(tensor(fused), tensor(A, B)).item()


def test_a_reversed_image_keeps_nothing():
    value = metrics.visual_information_fidelity(tensor(255 - A), tensor(A, A)).item()
    assert value == pytest.approx(0, abs=1e-3)


def test_a_constant_source_adds_one():
    constant = np.full_like(A, 77.0)
    value = metrics.visual_information_fidelity(tensor(F), tensor(A, constant)).item()
    assert value == pytest.approx(1 + vifp(A, F), rel=1e-6)


@pytest.mark.parametrize("side", [17, 24, 25, 40])
def test_scales_that_do_not_fit_are_left_out(side):
    small_a, small_f = A[:side, :side], F[:side, :side]
    value = metrics.visual_information_fidelity(tensor(small_f), tensor(small_a, small_a)).item()
    assert 0 < value < 2


def test_an_image_in_which_no_window_fits_has_zero():
    assert metrics.visual_information_fidelity(tensor(F[:16]), tensor(A[:16], B[:16])).item() == 0
