"""Properties of the metrics that need no reference, and outside implementations where there are some."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage.measure import shannon_entropy
from skimage.metrics import structural_similarity as skimage_ssim

from imfuse.lab.metrics import functional as metrics
from imfuse.lab.metrics.functional.mef_ssim import mef_ssim

WITH_SOURCES = [
    metrics.mutual_information,
    metrics.sum_of_correlation_differences,
    metrics.visual_information_fidelity,
    metrics.edge_transfer,
    metrics.structural_similarity,
    metrics.correlation_coefficient,
    metrics.mean_squared_error,
    metrics.peak_signal_noise_ratio,
    mef_ssim,
]
OF_FUSED = [metrics.entropy, metrics.standard_deviation, metrics.spatial_frequency, metrics.average_gradient]
DIFFERENTIABLE = [*WITH_SOURCES[1:], *OF_FUSED[1:]]


def images(channels: int, seed: int = 0, size: int = 64, batch: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(batch, channels, size // 4, size // 4, generator=generator, dtype=torch.float64)
    return torch.nn.functional.interpolate(coarse, scale_factor=4, mode="bicubic").clamp(0, 1)


@pytest.mark.parametrize("metric", WITH_SOURCES)
def test_the_order_of_the_sources_does_not_matter(metric):
    fused, sources = images(1), images(2, seed=1)
    torch.testing.assert_close(metric(fused, sources), metric(fused, sources.flip(1)))


@pytest.mark.parametrize("metric", WITH_SOURCES)
def test_a_batch_gives_the_value_of_each_image(metric):
    fused, sources = images(1), images(2, seed=1)
    each = torch.cat([metric(fused[i : i + 1], sources[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(metric(fused, sources), each)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        (metrics.structural_similarity, 1.0),
        (metrics.correlation_coefficient, 1.0),
        (metrics.visual_information_fidelity, 2.0),
        (metrics.mean_squared_error, 0.0),
        (metrics.peak_signal_noise_ratio, math.inf),
        (mef_ssim, 1.0),
    ],
)
def test_equal_images_have_the_best_value(metric, value):
    fused = images(1)
    torch.testing.assert_close(metric(fused, fused.expand(-1, 2, -1, -1)), torch.full((2,), value).double())


@pytest.mark.parametrize("metric", DIFFERENTIABLE)
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_constant_images_have_finite_values_and_gradients(metric, level):
    if metric is metrics.peak_signal_noise_ratio:
        pytest.skip("infinite for equal images by definition")
    fused = torch.full((1, 1, 48, 48), level, requires_grad=True)
    arguments = (fused,) if metric in OF_FUSED else (fused, torch.full((1, 2, 48, 48), level))
    if metric in OF_FUSED:
        assert metric(*arguments).item() == pytest.approx(0, abs=1e-12)
        return
    metric(*arguments).sum().backward()
    assert torch.isfinite(fused.grad).all()


def test_entropy_is_that_of_scikit_image():
    grey = np.random.default_rng(0).integers(0, 200, (40, 50), dtype=np.uint8)
    ours = metrics.entropy(torch.from_numpy(grey / 255.0)[None, None])
    assert ours.item() == pytest.approx(shannon_entropy(grey, base=2), rel=1e-12)


def test_ssim_is_that_of_scikit_image_inside_the_border():
    from imfuse.lab.metrics.functional.ssim import ssim_map

    first, second = images(1, seed=3)[0, 0].numpy(), images(1, seed=4)[0, 0].numpy()
    _, expected = skimage_ssim(
        first, second, data_range=1, gaussian_weights=True, use_sample_covariance=False, full=True
    )
    ours = ssim_map(torch.from_numpy(first)[None, None], torch.from_numpy(second)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(ours[8:-8, 8:-8], expected[8:-8, 8:-8], atol=1e-6)


def test_mutual_information_of_an_image_with_itself_is_its_entropy():
    fused = images(1)
    expected = 2 * metrics.entropy(fused)
    torch.testing.assert_close(metrics.mutual_information(fused, fused.expand(-1, 2, -1, -1)), expected)


def test_spatial_frequency_and_average_gradient_of_a_ramp_in_closed_form():
    ramp = (torch.arange(16.0, dtype=torch.float64) / 255).expand(1, 1, 12, 16)
    assert metrics.spatial_frequency(ramp).item() == pytest.approx(1)
    assert metrics.average_gradient(ramp).item() == pytest.approx(math.sqrt(0.5) * 12 * 16 / (11 * 15))


def test_mef_ssim_equals_the_definition_window_by_window():
    from imfuse.lab.metrics.functional.mef_ssim import WINDOW, C, mef_ssim_map

    fused, sources = images(1, size=16, batch=1), images(3, seed=5, size=16, batch=1)
    ours = mef_ssim_map(fused, sources)[0].numpy()
    for y, x in [(0, 0), (3, 5), (8, 8)]:
        cut = (slice(y, y + WINDOW), slice(x, x + WINDOW))
        patches = [s[cut].ravel() - s[cut].mean() for s in sources[0].numpy()]
        result = fused[0, 0].numpy()[cut].ravel()
        result = result - result.mean()
        strength = np.array([np.linalg.norm(p) for p in patches])
        agreement = np.linalg.norm(sum(patches)) / strength.sum()
        weight = strength ** min(np.tan(np.pi / 2 * min(agreement, 1 - 1e-3)), 10)
        structure = sum(w * p / s for w, p, s in zip(weight, patches, strength, strict=True))
        wanted = strength.max() * structure / np.linalg.norm(structure)
        n = WINDOW**2
        expected = (2 * wanted @ result / n + C) / (wanted @ wanted / n + result @ result / n + C)
        assert ours[y, x] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("tiny", [1e-4, 1e-12, 1e-20, 1e-30])
def test_edge_transfer_has_finite_gradients_where_edges_all_but_vanish(tiny):
    fused = (images(1).float() * tiny).requires_grad_()
    metrics.edge_transfer(fused, images(2, seed=1).float()).sum().backward()
    assert torch.isfinite(fused.grad).all()
