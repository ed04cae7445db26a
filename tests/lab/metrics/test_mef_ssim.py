"""MEF-SSIM against its definition, window by window."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from imfuse.lab.metrics.functional.mef_ssim import WINDOW, C, mef_ssim, mef_ssim_map


def images(channels: int, seed: int, size: int = 16) -> torch.Tensor:
    return torch.rand(1, channels, size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def similarity(fused: np.ndarray, sources: np.ndarray) -> float:
    """Of one window, as the paper defines it."""
    patches = [source.ravel() - source.mean() for source in sources]
    result = fused.ravel() - fused.mean()
    strength = np.array([np.linalg.norm(patch) for patch in patches])
    agreement = np.linalg.norm(sum(patches)) / strength.sum()
    weight = strength ** min(np.tan(np.pi / 2 * min(agreement, 1 - 1e-3)), 10)
    structure = sum(w * patch / s for w, patch, s in zip(weight, patches, strength, strict=True))
    wanted = strength.max() * structure / np.linalg.norm(structure)
    return (2 * wanted @ result / result.size + C) / ((wanted @ wanted + result @ result) / result.size + C)


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize(("y", "x"), [(0, 0), (3, 5), (8, 8)])
def test_each_window_is_that_of_the_definition(count, y, x):
    fused, sources = images(1, 0), images(count, 5)
    cut = (0, slice(None), slice(y, y + WINDOW), slice(x, x + WINDOW))
    expected = similarity(fused[cut][0].numpy(), sources[cut].numpy())
    assert mef_ssim_map(fused, sources)[0, y, x].item() == pytest.approx(expected, abs=1e-4)


def test_three_scales_are_weighted_by_their_exponents():
    fused, sources = images(1, 0, 40), images(2, 5, 40)
    expected = 1.0
    for weight in (0.0448, 0.2856, 0.3001):
        expected *= mef_ssim_map(fused, sources).mean().item() ** (weight / 0.6305)
        fused, sources = (torch.nn.functional.avg_pool2d(image, 2) for image in (fused, sources))
    assert mef_ssim(images(1, 0, 40), images(2, 5, 40)).item() == pytest.approx(expected, rel=1e-12)
