"""Losses on brightness in closed form."""

from __future__ import annotations

import pytest
import torch

from imfuse.lab.losses.intensity import intensity_loss, max_intensity_loss, out_of_range_loss
from imfuse.lab.losses.pixel import mse_loss


def image(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def test_the_intensity_loss_is_the_squared_distance_by_the_number_of_pixels():
    first, second = image(3, 2, 5, 4), image(3, 2, 5, 4, seed=1)
    expected = torch.stack([torch.linalg.vector_norm(a - b) ** 2 / 20 for a, b in zip(first, second, strict=True)])
    torch.testing.assert_close(intensity_loss(first, second, "none"), expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_intensity_loss_is_the_mean_squared_error_times_the_channels(channels):
    first, second = image(2, channels, 5, 4), image(2, channels, 5, 4, seed=1)
    torch.testing.assert_close(intensity_loss(first, second), channels * mse_loss(first, second))


def test_the_brightest_source_costs_nothing_and_what_is_darker_its_distance():
    sources = image(2, 3, 5, 4)
    brightest = sources.max(1, keepdim=True).values
    assert max_intensity_loss(brightest, sources) == 0
    torch.testing.assert_close(max_intensity_loss(brightest - 0.25, sources), torch.tensor(0.25).double())


def test_only_what_lies_beyond_the_range_costs_and_its_distance():
    fused = torch.tensor([[[[-0.5, 0.0, 0.3, 1.0, 1.25]]]])
    losses = out_of_range_loss(fused, fused.expand(-1, 2, -1, -1), "none")
    torch.testing.assert_close(losses, torch.tensor([[[[0.5, 0.0, 0.0, 0.0, 0.25]]]]))
