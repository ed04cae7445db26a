"""Qcv equals the formulas of the paper and of the toolbox region by region, and has a value for every picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d

from imfuse.errors import MetricError
from imfuse.lab.metrics.functional import regional_error
from imfuse.lab.metrics.registry import METRICS

SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])


def images(channels: int, seed: int, height: int = 37, width: int = 50, batch: int = 2) -> torch.Tensor:
    """Pictures of 8 bits whose levels do not span 0..255."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((batch, channels, (height + 3) // 4, (width + 3) // 4)).repeat(4, 2).repeat(4, 3)
    noisy = 0.2 + 0.6 * coarse[..., :height, :width] + 0.05 * rng.random((batch, channels, height, width))
    return torch.from_numpy(np.round(noisy * 255) / 255)


def frequencies(length: int) -> np.ndarray:
    """MATLAB's freqspace: -1 at the lowest, 0 at the index length // 2."""
    return (np.arange(length) - length // 2) * 2 / length


def stretched(image: np.ndarray, toolbox: bool) -> np.ndarray:
    levels = (image - image.min()) / (image.max() - image.min()) * 255
    return np.floor(levels + 0.5 + 1e-9) if toolbox else levels


def by_the_formulas(fused: torch.Tensor, sources: torch.Tensor, toolbox: bool) -> float:
    fused_levels = stretched(fused[0].numpy(), toolbox)
    height, width = fused_levels.shape
    u, v = np.meshgrid(frequencies(width) * width / 8, frequencies(height) * height / 8)
    r = np.sqrt(u**2 + v**2)
    response = 2.6 * (0.0192 + 0.144 * r) * np.exp(-((0.144 * r) ** 1.1))
    above = below = 0.0
    for source in sources:
        levels = stretched(source.numpy(), toolbox)
        bordered = np.pad(levels, 1, mode="constant" if toolbox else "edge")
        strength = np.hypot(convolve2d(bordered, SOBEL, "valid"), convolve2d(bordered, SOBEL.T, "valid"))
        difference = np.fft.fftshift(np.fft.fft2(levels - fused_levels))
        seen = np.fft.ifft2(np.fft.ifftshift(difference * response)).real
        for top in range(0, height, 16):
            for left in range(0, width, 16):
                region = slice(top, top + 16), slice(left, left + 16)
                area = 16 * 16 if toolbox else seen[region].size
                weight = (strength[region] ** 5).sum()
                above, below = above + weight * (seen[region] ** 2).sum() / area, below + weight
    return above / below


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize(("height", "width"), [(32, 48), (37, 50), (17, 33), (9, 12)])
@pytest.mark.parametrize("convention", ["imfuse", "toolbox"])
def test_it_is_the_formulas_region_by_region(count, height, width, convention):
    fused, sources = images(1, 0, height, width), images(count, 1, height, width)
    expected = [by_the_formulas(f, s, convention == "toolbox") for f, s in zip(fused, sources, strict=True)]
    np.testing.assert_allclose(regional_error(fused, sources, convention=convention), expected, rtol=1e-9)


def test_a_bright_border_does_not_decide_but_by_the_toolbox():
    rng = np.random.default_rng(0)
    inner = torch.from_numpy(rng.random((1, 2, 64, 64)))
    bright = inner.clone()
    bright[..., :16, :] = bright[..., -16:, :] = 0.95
    bright[..., 0, 0] = 1  # the stretch stays as it is
    fused = bright.mean(1, keepdim=True)
    fused[..., 16:-16, :] = bright[:, :1, 16:-16]
    fused = (fused - fused.amin()) / (fused.amax() - fused.amin())
    ours, toolbox = regional_error(fused, bright), regional_error(fused, bright, convention="toolbox")
    assert toolbox < 0.6 * ours, "regions at the border are flat, equal in all images, and drown the others there"


def test_an_unknown_convention_is_refused():
    with pytest.raises(MetricError, match="no convention 'matlab'; expected one of imfuse, toolbox"):
        regional_error(images(1, 0), images(2, 1), convention="matlab")


def test_equal_images_have_no_error_and_gain_and_offset_do_not_matter():
    fused, sources = images(1, 0), images(2, 1)
    assert (regional_error(fused, fused.expand(-1, 2, -1, -1)) == 0).all()
    torch.testing.assert_close(regional_error(0.1 + 0.5 * fused, sources), regional_error(fused, sources))


@pytest.mark.parametrize("convention", ["imfuse", "toolbox"])
def test_order_and_batch_do_not_matter(convention):
    fused, sources = images(1, 0), images(3, 1)
    value = regional_error(fused, sources, convention=convention)
    assert value.shape == (2,)
    assert (value > 0).all()
    torch.testing.assert_close(regional_error(fused, sources.flip(1), convention=convention), value)
    alone = [regional_error(fused[i : i + 1], sources[i : i + 1], convention=convention) for i in range(2)]
    torch.testing.assert_close(torch.cat(alone), value)


def test_without_edges_all_regions_and_sources_weigh_alike():
    flat, picture = torch.zeros(1, 2, 32, 32, dtype=torch.float64), images(1, 0, 32, 32, 1)
    assert regional_error(flat[:, :1], flat).item() == 0
    assert regional_error(flat[:, :1] + 1, flat).item() == 0, "a constant image is 0 when stretched"
    halves = torch.cat([flat[:, :1], flat[:, :1] + 0.5], dim=1)
    both = regional_error(picture, halves)
    assert both.item() > 0
    torch.testing.assert_close(both, regional_error(picture, flat))


@pytest.mark.parametrize("convention", ["imfuse", "toolbox"])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3), (1, 40), (16, 5)])
def test_tiny_images_have_a_value(height, width, convention):
    fused, sources = images(1, 0, height, width), images(2, 1, height, width)
    value = regional_error(fused, sources, convention=convention)
    assert (torch.isfinite(value) & (value >= 0)).all()


def test_eight_bits_and_single_precision_agree_with_double():
    fused, sources = images(1, 0, 96, 120), images(2, 1, 96, 120)
    expected = regional_error(fused, sources)
    single = regional_error(fused.float(), sources.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), expected, rtol=1e-4, atol=0)
    bytes_ = [(image * 255).round().to(torch.uint8) for image in (fused, sources)]
    torch.testing.assert_close(regional_error(*bytes_), single, rtol=1e-5, atol=0)


def test_nan_is_refused():
    sources = images(2, 1)
    sources[0, 1, 0, 0] = torch.nan
    with pytest.raises(MetricError, match="sources hold"):
        regional_error(images(1, 0), sources)


def test_its_gradient_is_right_and_finite_for_constant_images():
    sources = images(2, 1, 18, 7, 1)
    fused = torch.rand(1, 1, 18, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert torch.autograd.gradcheck(lambda image: regional_error(image, sources), fused)
    for level in (0.0, 0.5, 1.0):
        flat = torch.full((1, 1, 18, 7), level, requires_grad=True)
        both = torch.cat([sources[:, :1].float(), flat.detach()], dim=1).requires_grad_()
        regional_error(flat, both).sum().backward()
        assert torch.isfinite(flat.grad).all()
        assert torch.isfinite(both.grad).all()


def test_the_tables_know_it_as_qcv():
    metric = METRICS["Qcv"]
    assert metric.function is regional_error
    assert (metric.higher_is_better, metric.is_differentiable, metric.rewards_noise) == (False, True, False)
    assert metric.conventions == ("imfuse", "toolbox")
