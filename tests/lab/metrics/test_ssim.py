"""SSIM against scikit-image, MS_SSIM against torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sewar.full_ref import msssim
from skimage.metrics import structural_similarity as skimage_ssim
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure,
    structural_similarity_index_measure,
)

from imfuse.lab.metrics import functional as metrics
from imfuse.lab.metrics.functional.ssim import ssim_map


def images(channels: int, seed: int, height: int = 192, width: int = 209) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, channels, height // 8, width // 8, generator=generator, dtype=torch.float64)
    return torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)


@pytest.mark.parametrize("peak", [1.0, 1 / 255])
def test_ssim_is_that_of_scikit_image_inside_the_border(peak):
    first, second = images(1, 3, 64, 72), images(1, 4, 64, 72)
    _, expected = skimage_ssim(
        first[0, 0].numpy(),
        second[0, 0].numpy(),
        data_range=peak,
        gaussian_weights=True,
        use_sample_covariance=False,
        full=True,
    )
    ours = ssim_map(first, second, peak)[0, 0].numpy()
    np.testing.assert_allclose(ours[8:-8, 8:-8], expected[8:-8, 8:-8], rtol=1e-6, atol=1e-6)


def test_the_border_is_replicated():
    first, second = images(1, 3, 24, 32), images(1, 4, 24, 32)
    wider = [torch.nn.functional.pad(image, [20] * 4, mode="replicate") for image in (first, second)]
    torch.testing.assert_close(ssim_map(first, second), ssim_map(*wider)[..., 20:-20, 20:-20])


def test_the_conventions_are_the_mean_the_sum_and_the_small_constants():
    fused, sources = images(1, 0), images(2, 1)
    of_pixels = ssim_map(fused, sources).mean(dim=(2, 3))
    torch.testing.assert_close(metrics.structural_similarity(fused, sources), of_pixels.mean(1))
    torch.testing.assert_close(metrics.structural_similarity(fused, sources, convention="sum"), of_pixels.sum(1))
    small = ssim_map(fused, sources, 1 / 255).mean(dim=(1, 2, 3))
    torch.testing.assert_close(metrics.structural_similarity(fused, sources, convention="unit_range"), small)
    assert small < of_pixels.mean()


def blend(weight: float, sources: torch.Tensor) -> torch.Tensor:
    return weight * sources[:, :1] + (1 - weight) * sources[:, 1:]


def by_torchmetrics(fused: torch.Tensor, source: torch.Tensor, scales: int) -> torch.Tensor:
    """The terms of torchmetrics, put together as in the paper: theirs of the last scale has a border, ours has none."""
    weights = torch.tensor([0.0448, 0.2856, 0.3001, 0.2363, 0.1333], dtype=torch.float64)[:scales]
    value = torch.ones((), dtype=torch.float64)
    for scale, weight in enumerate(weights / weights.sum()):
        if scale < scales - 1:
            _, term = structural_similarity_index_measure(
                fused, source, data_range=1.0, return_contrast_sensitivity=True
            )
            fused, source = (torch.nn.functional.avg_pool2d(image, 2) for image in (fused, source))
        else:
            _, full = structural_similarity_index_measure(fused, source, data_range=1.0, return_full_image=True)
            term = full[..., 5:-5, 5:-5].mean()
        value = value * term.squeeze() ** weight
    return value


@pytest.mark.parametrize(
    ("size", "scales"),
    [((192, 209), 5), ((177, 181), 5), ((176, 176), 5), ((175, 184), 4), ((87, 96), 3), ((43, 52), 2), ((21, 30), 1)],
)
def test_the_scales_that_fit_are_those_of_torchmetrics(size, scales):
    sources = images(2, 1, *size)
    fused = blend(0.7, sources)
    expected = torch.stack([by_torchmetrics(fused, source, scales) for source in sources.split(1, dim=1)])
    value = metrics.multiscale_structural_similarity(fused, sources)
    torch.testing.assert_close(value.squeeze(), expected.mean(), rtol=1e-9, atol=0)
    value = metrics.multiscale_structural_similarity(fused, sources, convention="sum")
    torch.testing.assert_close(value.squeeze(), expected.sum(), rtol=1e-9, atol=0)


def test_five_scales_are_near_those_of_sewar_and_of_torchmetrics():
    sources = images(2, 1, 384, 512)
    fused, source = blend(0.7, sources), sources[:, :1]
    value = metrics.multiscale_structural_similarity(fused, source.expand(-1, 2, -1, -1)).item()
    theirs = multiscale_structural_similarity_index_measure(fused, source, data_range=1.0).item()
    assert value == pytest.approx(theirs, rel=0.01)
    theirs = msssim(source[0, 0].numpy() * 255, fused[0, 0].numpy() * 255, MAX=255).real
    assert value == pytest.approx(theirs, rel=0.01)


def test_one_pixel_is_compared_by_its_luminance():
    fused, source = torch.tensor(0.6, dtype=torch.float64), torch.tensor(0.2, dtype=torch.float64)
    expected = (2 * fused * source + 1e-4) / (fused**2 + source**2 + 1e-4)
    value = metrics.multiscale_structural_similarity(fused.view(1, 1, 1, 1), source.expand(1, 2, 1, 1))
    torch.testing.assert_close(value, expected.view(1))


def test_a_reversed_image_has_no_similarity_at_several_scales_and_no_gradient():
    sources = images(2, 1)
    fused = (1 - sources[:, :1]).requires_grad_()
    value = metrics.multiscale_structural_similarity(fused, sources[:, :1].expand(-1, 2, -1, -1))
    value.sum().backward()
    assert value.item() == 0
    assert torch.equal(fused.grad, torch.zeros_like(fused))
