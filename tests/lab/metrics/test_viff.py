"""VIFF equals its definition with SciPy's two-dimensional convolution, and has a value for every picture."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d
from torch.autograd import gradcheck

from imfuse.errors import MetricError
from imfuse.lab.metrics.functional import visual_information_fidelity_for_fusion
from imfuse.lab.metrics.registry import METRICS

NOISE = 0.005 * 255 * 255
WEIGHTS = np.array([1, 0, 0.15, 1]) / 2.15


def images(channels: int, seed: int, height: int = 52, width: int = 47, batch: int = 2) -> torch.Tensor:
    """Pictures of 8 bits, some of whose parts are flat, and some reversed from source to source."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((batch, channels, height // 6 + 1, width // 6 + 1)).repeat(6, 2).repeat(6, 3)
    noisy = 0.8 * coarse[..., :height, :width] + 0.2 * rng.random((batch, channels, height, width))
    noisy[:, -1, : height // 2, : width // 2] = 0.6
    return torch.from_numpy(np.round(noisy * 255) / 255)


def scales(source: np.ndarray, fused: np.ndarray) -> list[tuple[np.ndarray, ...]]:
    """Information kept and held, and gain, of each place of each scale."""
    found = []
    for scale in range(1, 5):
        size = 2 ** (5 - scale) + 1
        position = np.arange(size) - size // 2
        window = np.exp(-(position[:, None] ** 2 + position**2) / (2 * (size / 5) ** 2))
        window /= window.sum()

        def smooth(image: np.ndarray, window: np.ndarray = window) -> np.ndarray:
            return convolve2d(image, window, mode="valid")

        if scale > 1:
            source, fused = smooth(source)[::2, ::2], smooth(fused)[::2, ::2]
        mean_s, mean_f = smooth(source), smooth(fused)
        variance_s = np.maximum(smooth(source**2) - mean_s**2, 0)
        variance_f = np.maximum(smooth(fused**2) - mean_f**2, 0)
        variance_s[variance_s < 1e-9], variance_f[variance_f < 1e-9] = 0, 0  # rounding
        gain = (smooth(source * fused) - mean_s * mean_f) / (variance_s + 1e-10)
        noise = variance_f - gain**2 * variance_s
        gain[(variance_s == 0) | (variance_f == 0)] = 0
        gain[gain < 0] = 0
        kept = np.log10(1 + gain**2 * variance_s / (np.maximum(noise, 1e-10) + NOISE))
        found.append((kept, np.log10(1 + variance_s / NOISE), gain))
    return found


def by_the_definition(fused: np.ndarray, sources: list[np.ndarray]) -> float:
    of_sources = [scales(source * 255, fused * 255) for source in sources]
    total = 0.0
    for weight, of_scale in zip(WEIGHTS, zip(*of_sources, strict=True), strict=True):
        kept, held, gain = of_scale[0]
        for other in of_scale[1:]:
            chosen = gain < other[2]
            kept, held, gain = (
                np.where(chosen, ours, theirs) for ours, theirs in zip((kept, held, gain), other, strict=True)
            )
        total += weight * (kept + 1e-7).sum() / (held + 1e-7).sum()
    return float(total)


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize(("height", "width"), [(52, 47), (41, 60)])
def test_it_is_the_definition(count, height, width):
    fused, sources = images(1, 0, height, width), images(count, 1, height, width)
    fused = 0.5 * fused + 0.5 * sources[:, :1]
    expected = [by_the_definition(f[0].numpy(), list(s.numpy())) for f, s in zip(fused, sources, strict=True)]
    np.testing.assert_allclose(visual_information_fidelity_for_fusion(fused, sources), expected, rtol=1e-7)
    single = visual_information_fidelity_for_fusion(fused.float(), sources.float())
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single, expected, rtol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 3), (17, 17), (16, 40), (24, 30), (60, 70)])
def test_equal_images_have_one_and_tiny_ones_a_value(size):
    fused, sources = images(1, 0, 60, 70)[..., : size[0], : size[1]], images(2, 1, 60, 70)[..., : size[0], : size[1]]
    value = visual_information_fidelity_for_fusion(fused, fused.expand(-1, 2, -1, -1))
    torch.testing.assert_close(value, torch.ones_like(value), rtol=1e-6, atol=0)
    assert torch.isfinite(visual_information_fidelity_for_fusion(fused, sources)).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("level", [0.0, 0.3, 0.7, 1.0])
def test_constant_images_hold_nothing_to_lose_and_keep_nothing(dtype, level):
    constant, sources = torch.full((2, 1, 50, 50), level, dtype=dtype), images(2, 1, 50, 50).to(dtype)
    sources[:, -1] = sources[:, 0]
    one, nothing = torch.ones(2, dtype=dtype), torch.zeros(2, dtype=dtype)
    of_flat = visual_information_fidelity_for_fusion(sources[:, :1], constant.expand(-1, 2, -1, -1) * 0.9)
    torch.testing.assert_close(of_flat, one)
    torch.testing.assert_close(visual_information_fidelity_for_fusion(constant, sources), nothing, rtol=0, atol=1e-5)


def test_more_contrast_than_the_sources_is_more_than_one():
    sources = images(1, 1).expand(-1, 2, -1, -1) * 0.5
    assert (visual_information_fidelity_for_fusion(sources[:, :1] * 1.5, sources) > 1).all()


def test_a_source_that_is_reversed_counts_as_lost():
    source = images(1, 1)
    sources = torch.cat([source, 1 - source], dim=1)
    assert (visual_information_fidelity_for_fusion(source, sources) < 0.01).all()


def test_the_order_of_the_sources_matters_only_where_gains_are_equal():
    rng = np.random.default_rng(0)
    fused = torch.from_numpy(rng.random((2, 1, 60, 60)))
    sources = 0.5 * fused + 0.5 * torch.from_numpy(rng.random((2, 3, 60, 60)))
    values = visual_information_fidelity_for_fusion(fused, sources)
    torch.testing.assert_close(visual_information_fidelity_for_fusion(fused, sources.flip(1)), values)


def test_a_batch_gives_the_value_of_each_image():
    fused, sources = images(1, 0), images(2, 1)
    fused[1], sources[1] = 0.25, 0.5
    each = [visual_information_fidelity_for_fusion(fused[i : i + 1], sources[i : i + 1]) for i in range(2)]
    torch.testing.assert_close(visual_information_fidelity_for_fusion(fused, sources), torch.cat(each))


def test_the_gradient_is_that_of_finite_differences():
    assert METRICS["VIFF"].is_differentiable
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(1, 3, 44, 45, generator=generator, dtype=torch.float64)
    sources, fused = noise[:, 1:], (noise[:, :1] + noise.sum(1, keepdim=True)) / 4
    fused = fused.clone().requires_grad_()
    assert gradcheck(
        lambda image: visual_information_fidelity_for_fusion(image, sources), (fused,), eps=1e-6, fast_mode=True
    )
    with_gradient = visual_information_fidelity_for_fusion(fused, sources).detach()
    torch.testing.assert_close(with_gradient, visual_information_fidelity_for_fusion(fused.detach(), sources))


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_constant_images_have_finite_gradients(level):
    for sources in (torch.full((1, 2, 48, 48), level), images(2, 1, 48, 48, 1).float()):
        fused = torch.full((1, 1, 48, 48), level, requires_grad=True)
        visual_information_fidelity_for_fusion(fused, sources).sum().backward()
        assert torch.isfinite(fused.grad).all()


def test_nan_is_refused():
    fused = images(1, 0)
    fused[0, 0, 3, 4] = math.nan
    with pytest.raises(MetricError, match="NaN"):
        visual_information_fidelity_for_fusion(fused, images(2, 1))
