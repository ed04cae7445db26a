"""Qm equals its formula block by block, and has a value and a gradient for every picture."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from imfuse.errors import MetricError
from imfuse.lab.metrics.functional import multiscale_quality
from imfuse.lab.metrics.registry import METRICS


def images(channels: int, seed: int, height: int = 22, width: int = 25, batch: int = 2) -> torch.Tensor:
    """Pictures with a flat part, whose details the 0..255 scale does not lose in exp(-difference)."""
    rng = np.random.default_rng(seed)
    noise = 0.4 + 0.02 * rng.random((batch, channels, height, width))
    noise[..., : height // 2, : width // 2] = 0.4
    return torch.from_numpy(noise)


def haar(image: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Orthonormal Haar transform, block of 2 x 2 by block."""
    shape = image.shape[0] // 2, image.shape[1] // 2
    approximation, *details = (np.zeros(shape) for _ in range(4))
    for y, x in np.ndindex(*shape):
        (a, b), (c, d) = image[2 * y : 2 * y + 2, 2 * x : 2 * x + 2]
        approximation[y, x] = (a + b + c + d) / 2
        for band, value in zip(details, ((a - b + c - d) / 2, (a + b - c - d) / 2, (a - b - c + d) / 2), strict=True):
            band[y, x] = value
    return approximation, details


def by_the_formula(fused: np.ndarray, sources: list[np.ndarray]) -> float:
    quality = 1.0
    planes = [plane * 255 for plane in (fused, *sources)]
    for exponent in (2 / 3, 1 / 3):
        transforms = [haar(plane) for plane in planes]
        planes = [approximation for approximation, _ in transforms]
        of_fused, *of_sources = [details for _, details in transforms]
        top = bottom = 0.0
        for details in of_sources:
            for place in np.ndindex(*planes[0].shape):
                kept = sum(np.exp(-abs(s[place] - f[place])) for s, f in zip(details, of_fused, strict=True))
                weight = sum(band[place] ** 2 for band in details)
                top, bottom = top + weight * kept, bottom + weight
        quality *= (top / bottom) ** exponent
    return quality


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize(("height", "width"), [(22, 25), (4, 4), (5, 7)])
def test_it_is_the_formula_block_by_block(count, height, width):
    fused, sources = images(1, 0, height, width), images(count, 1, height, width)
    expected = [by_the_formula(f[0].numpy(), list(s.numpy())) for f, s in zip(fused, sources, strict=True)]
    np.testing.assert_allclose(multiscale_quality(fused, sources), expected, rtol=1e-6)
    single = multiscale_quality(fused.float(), sources.float())
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single, expected, rtol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 3), (3, 1), (20, 30)])
def test_equal_images_have_three_and_tiny_ones_a_value(size):
    fused, sources = images(1, 0, *size), images(2, 1, *size)
    value = multiscale_quality(fused, fused.expand(-1, 2, -1, -1))
    torch.testing.assert_close(value, torch.full_like(value, 3))
    other = multiscale_quality(fused, sources)
    assert torch.isfinite(other).all()
    assert (other <= 3).all()


def test_constant_sources_weigh_all_places_alike():
    constant = torch.full((1, 2, 16, 16), 0.5, dtype=torch.float64)
    fused = torch.full((1, 1, 16, 16), 0.5, dtype=torch.float64)
    assert multiscale_quality(fused + 0.2, constant).item() == pytest.approx(3)
    fused[..., ::2] += 1 / 255  # a horizontal detail of one level at the fine scale, none at the coarse
    expected = (2 + math.exp(-1)) ** (2 / 3) * 3 ** (1 / 3)
    assert multiscale_quality(fused, constant).item() == pytest.approx(expected)


def test_the_opposite_of_everything_keeps_next_to_nothing():
    chess = (torch.arange(16).view(-1, 1) + torch.arange(16)) % 2 * 1.0
    chess = (chess + (torch.arange(16) % 2)).clamp(0, 1).expand(1, 1, -1, -1)
    fused = (1 - chess).requires_grad_()
    value = multiscale_quality(fused, chess.expand(-1, 2, -1, -1))
    value.sum().backward()
    assert 0 <= value.item() < 1e-6
    assert torch.isfinite(fused.grad).all()


def test_neither_the_order_of_the_sources_nor_the_batch_matters():
    fused, sources = images(1, 0), images(3, 1)
    values = multiscale_quality(fused, sources)
    torch.testing.assert_close(multiscale_quality(fused, sources.flip(1)), values)
    each = [multiscale_quality(fused[i : i + 1], sources[i : i + 1]) for i in range(2)]
    torch.testing.assert_close(torch.cat(each), values)


def test_the_gradient_is_that_of_finite_differences():
    assert METRICS["Qm"].is_differentiable
    generator = torch.Generator().manual_seed(0)
    fused, sources = (0.5 + 0.02 * torch.rand(1, 3, 8, 10, generator=generator, dtype=torch.float64)).split([1, 2], 1)
    fused = fused.clone().requires_grad_()
    assert gradcheck(lambda image: multiscale_quality(image, sources), (fused,), eps=1e-7)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_constant_images_have_finite_gradients(level):
    for sources in (torch.full((1, 2, 20, 20), level), images(2, 1, 20, 20, 1).float()):
        fused = torch.full((1, 1, 20, 20), level, requires_grad=True)
        multiscale_quality(fused, sources).sum().backward()
        assert torch.isfinite(fused.grad).all()


def test_nan_is_refused():
    fused = images(1, 0)
    fused[0, 0, 3, 4] = math.nan
    with pytest.raises(MetricError, match="NaN"):
        multiscale_quality(fused, images(2, 1))
