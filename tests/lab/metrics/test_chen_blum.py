"""Qcb equals the formulas of the paper and of the toolbox pixel by pixel, and has a value for every picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d

from imfuse.errors import MetricError
from imfuse.lab.metrics.functional import contrast_preservation
from imfuse.lab.metrics.registry import METRICS


def images(channels: int, seed: int, height: int = 37, width: int = 50, batch: int = 2) -> torch.Tensor:
    """Pictures of 8 bits whose levels do not span 0..255."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((batch, channels, (height + 3) // 4, (width + 3) // 4)).repeat(4, 2).repeat(4, 3)
    noisy = 0.2 + 0.6 * coarse[..., :height, :width] + 0.05 * rng.random((batch, channels, height, width))
    return torch.from_numpy(np.round(noisy * 255) / 255)


def frequencies(length: int) -> np.ndarray:
    """MATLAB's freqspace: -1 at the lowest, 0 at the index length // 2."""
    return (np.arange(length) - length // 2) * 2 / length


def masked_contrast(image: np.ndarray, rounded: bool) -> np.ndarray:
    levels = (image - image.min()) / (image.max() - image.min()) * 255
    levels = np.floor(levels + 0.5 + 1e-9) if rounded else levels
    height, width = levels.shape
    u, v = np.meshgrid(frequencies(width) * width / 30, frequencies(height) * height / 30)
    r = np.sqrt(u**2 + v**2)
    response = np.exp(-((r / 15.3870) ** 2)) - 0.7622 * np.exp(-((r / 1.3456) ** 2))
    seen = np.fft.ifft2(np.fft.ifftshift(np.fft.fftshift(np.fft.fft2(levels)) * response)).real
    x, y = np.meshgrid(np.arange(-15, 16), np.arange(-15, 16))
    fine, coarse = (
        convolve2d(seen, np.exp(-(x**2 + y**2) / (2 * s**2)) / (2 * np.pi * s**2), mode="same") for s in (2, 4)
    )
    contrast = np.abs(fine / coarse - 1)
    return contrast**3 / (contrast**2 + 1e-4)


def by_the_formulas(fused: torch.Tensor, sources: torch.Tensor, rounded: bool = False) -> float:
    contrast_f = masked_contrast(fused[0].numpy(), rounded)
    contrasts = [masked_contrast(source.numpy(), rounded) for source in sources]
    total = np.zeros_like(contrast_f)
    for y, x in np.ndindex(*total.shape):
        mine, theirs = contrast_f[y, x], [contrast[y, x] for contrast in contrasts]
        salience = [value**2 / sum(other**2 for other in theirs) for value in theirs]
        total[y, x] = sum(s * min(mine, value) / max(mine, value) for s, value in zip(salience, theirs, strict=True))
    return float(total.mean())


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize(("height", "width"), [(37, 50), (40, 33), (12, 9)])
@pytest.mark.parametrize("convention", ["imfuse", "toolbox"])
def test_it_is_the_formulas_pixel_by_pixel(count, height, width, convention):
    fused, sources = images(1, 0, height, width), images(count, 1, height, width)
    expected = [by_the_formulas(f, s, convention == "toolbox") for f, s in zip(fused, sources, strict=True)]
    np.testing.assert_allclose(contrast_preservation(fused, sources, convention=convention), expected, rtol=1e-6)


def test_the_conventions_are_two():
    fused, sources = images(1, 0), images(2, 1)
    toolbox = contrast_preservation(fused, sources, convention="toolbox")
    assert (toolbox - contrast_preservation(fused, sources)).abs().min() > 1e-5
    with pytest.raises(MetricError, match="no convention 'matlab'; expected one of imfuse, toolbox"):
        contrast_preservation(fused, sources, convention="matlab")


def test_the_toolbox_rounds_half_up_in_single_precision_too():
    from imfuse.lab.metrics.functional._sensitivity import stretch

    for dtype in (torch.float32, torch.float64):
        levels = torch.tensor([65, 84, 103, 122, 255], dtype=dtype)  # 0, 25.5, 51, 76.5, 255 when stretched
        stretched = stretch((levels / 255).view(1, 1, 1, -1), rounded=True) * 255
        torch.testing.assert_close(stretched.flatten(), torch.tensor([0, 26, 51, 77, 255], dtype=dtype))


def test_equal_images_have_one_and_gain_and_offset_do_not_matter():
    sources = images(2, 1)
    one = torch.ones(2, dtype=torch.float64)
    torch.testing.assert_close(contrast_preservation(sources[:, :1], sources[:, :1].expand(-1, 2, -1, -1)), one)
    fused = images(1, 0)
    paler = 0.1 + 0.5 * fused
    torch.testing.assert_close(contrast_preservation(paler, sources), contrast_preservation(fused, sources))


@pytest.mark.parametrize("convention", ["imfuse", "toolbox"])
def test_order_and_batch_do_not_matter_and_the_range_is_kept(convention):
    fused, sources = images(1, 0), images(3, 1)
    value = contrast_preservation(fused, sources, convention=convention)
    assert value.shape == (2,)
    assert (value > 0).all()
    assert (value < 1).all()
    torch.testing.assert_close(contrast_preservation(fused, sources.flip(1), convention=convention), value)
    alone = [contrast_preservation(fused[i : i + 1], sources[i : i + 1], convention=convention) for i in range(2)]
    torch.testing.assert_close(torch.cat(alone), value)


def test_constant_images_are_equal_to_each_other_and_have_no_contrast_to_keep():
    black, white, picture = torch.zeros(1, 1, 20, 20), torch.ones(1, 1, 20, 20), images(1, 0, 20, 20, 1).float()
    assert contrast_preservation(black, torch.cat([black, white], dim=1)).item() == 1
    assert contrast_preservation(black, torch.cat([picture, picture], dim=1)).item() < 1e-3
    assert contrast_preservation(picture, torch.cat([black, white], dim=1)).item() < 1e-3
    expected = contrast_preservation(picture, torch.cat([picture, black], dim=1))
    assert expected.item() == pytest.approx(1, abs=1e-3), "the source without contrast has no weight"


@pytest.mark.parametrize("convention", ["imfuse", "toolbox"])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3), (1, 40), (16, 5)])
def test_tiny_images_have_a_value(height, width, convention):
    fused, sources = images(1, 0, height, width), images(2, 1, height, width)
    value = contrast_preservation(fused, sources, convention=convention)
    assert ((value >= 0) & (value <= 1)).all()


def test_eight_bits_and_single_precision_agree_with_double():
    fused, sources = images(1, 0, 96, 120), images(2, 1, 96, 120)
    expected = contrast_preservation(fused, sources)
    single = contrast_preservation(fused.float(), sources.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), expected, rtol=1e-4, atol=0)
    bytes_ = [(image * 255).round().to(torch.uint8) for image in (fused, sources)]
    torch.testing.assert_close(contrast_preservation(*bytes_), single, rtol=1e-5, atol=0)


def test_nan_is_refused():
    fused = images(1, 0)
    fused[0, 0, 0, 0] = torch.nan
    with pytest.raises(MetricError, match="without NaN"):
        contrast_preservation(fused, images(2, 1))


def test_its_gradient_is_right_and_finite_for_constant_images():
    sources = images(2, 1, 7, 8, 1)
    fused = torch.rand(1, 1, 7, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert torch.autograd.gradcheck(lambda image: contrast_preservation(image, sources), fused)
    for level in (0.0, 0.5, 1.0):
        flat = torch.full((1, 1, 7, 8), level, requires_grad=True)
        contrast_preservation(flat, torch.cat([sources[:, :1].float(), flat.detach()], dim=1)).sum().backward()
        assert torch.isfinite(flat.grad).all()


def test_the_tables_know_it_as_qcb():
    metric = METRICS["Qcb"]
    assert metric.function is contrast_preservation
    assert (metric.higher_is_better, metric.is_differentiable, metric.rewards_noise) == (True, True, False)
    assert metric.conventions == ("imfuse", "toolbox")
