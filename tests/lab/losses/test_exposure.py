"""Losses for exposure fusion against the metric and closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from imfuse.lab.losses.exposure import exposedness_loss, mef_ssim_loss
from imfuse.lab.metrics.functional.mef_ssim import mef_ssim


def image(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def flat(*levels: float, size: tuple[int, int] = (64, 40)) -> torch.Tensor:
    return torch.tensor(levels).double()[None, :, None, None].expand(1, -1, *size)


def test_the_mef_ssim_loss_is_what_the_metric_lacks():
    fused, sources = image(2, 1, 40, 36), image(2, 3, 40, 36, seed=1)
    torch.testing.assert_close(mef_ssim_loss(fused, sources, "none"), 1 - mef_ssim(fused, sources))
    assert mef_ssim_loss(fused, fused.expand(-1, 2, -1, -1)).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("levels", [(0.2, 0.8), (0.5, 0.9), (0.1, 0.4, 0.95)])
@pytest.mark.parametrize("size", [(64, 40), (1, 1), (5, 1)])
def test_wanted_is_the_mean_of_the_sources_by_their_exposedness(levels, size):
    weights = [math.exp(-((level - 0.5) ** 2) / 0.08) + 1e-6 for level in levels]
    wanted = sum(weight * level for weight, level in zip(weights, levels, strict=True)) / sum(weights)
    sources = flat(*levels, size=size)
    assert exposedness_loss(flat(wanted, size=size), sources).item() == pytest.approx(0, abs=1e-6)
    assert exposedness_loss(flat(wanted - 0.1, size=size), sources).item() == pytest.approx(0.1, abs=1e-6)


def test_detail_within_a_cell_is_free():
    checks = 0.1 * (-1.0) ** torch.arange(40).double()
    assert exposedness_loss(flat(0.5) + checks, flat(0.2, 0.8)).item() == pytest.approx(0, abs=1e-6)


def test_its_value_is_the_very_one_that_bundled_recipes_were_trained_by():
    fused, sources = image(2, 1, 70, 40).float(), image(2, 2, 70, 40, seed=1).float()
    cells = torch.nn.functional.avg_pool2d(sources, 32)
    weights = torch.exp(-((cells - 0.5) ** 2) / (2 * 0.2**2)) + 1e-6
    wanted = (weights * cells).sum(1, keepdim=True) / weights.sum(1, keepdim=True)
    expected = (torch.nn.functional.avg_pool2d(fused, 32) - wanted).abs().mean()
    assert torch.equal(exposedness_loss(fused, sources), expected)
