"""Losses against flatness in closed form."""

from __future__ import annotations

import pytest
import torch

from imfuse.lab.losses.contrast import contrast_loss, nearest_intensity_loss, sharpness_loss


def image(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


@pytest.mark.parametrize(("scale", "expected"), [(0.25, 0.75), (1.0, 0.0), (2.0, 0.0), (0.0, 1.0)])
def test_contrast_costs_the_share_that_is_lacking(scale, expected):
    source = image(1, 1, 12, 9)
    sources = torch.cat([source, 0.5 * source], dim=1)
    assert contrast_loss(scale * source, sources).item() == pytest.approx(expected, abs=0.005)


def test_contrast_is_that_of_the_unbiased_deviation():
    fused, sources = 0.5 * image(2, 1, 12, 9), image(2, 2, 12, 9, seed=1)
    expected = 1 - fused[:, 0].std(dim=(1, 2)) / (sources.std(dim=(2, 3)).amax(1) + 1e-3)
    torch.testing.assert_close(contrast_loss(fused, sources, "none"), expected)


@pytest.mark.parametrize(
    ("steepness", "expected"), [(0.0, 1.0), (0.5, 1 - 0.5 / 1.08), (1.0, 1 - 1 / 1.08), (2.0, 0.0)]
)
def test_sharpness_costs_the_share_of_the_wanted_slope_that_is_lacking(steepness, expected):
    slope = torch.arange(10).double().expand(1, 1, 10, 10)
    sources = torch.cat([slope, slope.mT / 2], dim=1)
    assert sharpness_loss(steepness * slope, sources).item() == pytest.approx(expected, abs=0.002)


@pytest.mark.parametrize("size", [(1, 9), (9, 1)])
def test_an_image_of_one_row_has_the_sharpness_along_it(size):
    slope = torch.arange(9).double().reshape(1, 1, *size)
    loss = sharpness_loss(0.5 * slope, slope.expand(-1, 2, -1, -1))
    assert loss.item() == pytest.approx(1 - 0.5 / 1.08, abs=1e-4)


def test_the_base_costs_its_distance_to_the_nearest_source():
    sources = torch.tensor([0.1, 0.9]).double()[None, :, None, None].expand(1, 2, 16, 24)
    for level, expected in ((0.1, 0.0), (0.9, 0.0), (0.5, 0.4), (0.3, 0.2), (1.0, 0.1)):
        fused = torch.full((1, 1, 16, 24), level).double()
        assert nearest_intensity_loss(fused, sources).item() == pytest.approx(expected, abs=1e-7)


def test_detail_within_a_cell_is_free_and_each_cell_may_follow_another_source():
    sources = torch.tensor([0.2, 0.6]).double()[None, :, None, None].expand(1, 2, 16, 16)
    fused = torch.full((1, 1, 16, 16), 0.2).double()
    fused[..., :8, :] = 0.6
    checks = 0.1 * (-1.0) ** torch.arange(16).double()
    assert nearest_intensity_loss(fused + checks, sources).item() == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("size", [(1, 1), (5, 1), (3, 7)])
def test_the_cell_shrinks_with_the_image(size):
    fused, sources = torch.full((1, 1, *size), 0.5).double(), torch.full((1, 2, *size), 0.2).double()
    assert nearest_intensity_loss(fused, sources).item() == pytest.approx(0.3)


def test_their_values_are_the_very_ones_that_bundled_recipes_were_trained_by():
    fused, sources = 0.5 * image(3, 1, 20, 27).float(), image(3, 2, 20, 27, seed=1).float()
    wanted = sources.std(dim=(2, 3)).amax(1)
    assert torch.equal(contrast_loss(fused, sources), torch.relu(1 - fused.std(dim=(1, 2, 3)) / (wanted + 1e-3)).mean())
    cells = torch.nn.functional.avg_pool2d(torch.cat([fused, sources], dim=1), 8)
    assert torch.equal(nearest_intensity_loss(fused, sources), (cells[:, :1] - cells[:, 1:]).abs().amin(1).mean())
