"""Qs, Qw and Qe equal the formulas of the paper window by window, and have a value for every picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity as skimage_ssim

from imfuse.errors import MetricError
from imfuse.lab.metrics.functional import edge_quality_index, quality_index, weighted_quality_index
from imfuse.lab.metrics.registry import METRICS

INDICES = [quality_index, weighted_quality_index, edge_quality_index]
MEASURES = [(index, {}) for index in INDICES] + [(index, {"convention": "toolbox"}) for index in INDICES[:2]]


def images(channels: int, seed: int, height: int = 21, width: int = 26, batch: int = 2) -> torch.Tensor:
    """Pictures of 8 bits, flat in their first column of blocks."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((batch, channels, (height + 3) // 4, (width + 3) // 4)).repeat(4, 2).repeat(4, 3)
    noisy = 0.1 + 0.7 * coarse[..., :height, :width] + 0.1 * rng.random((batch, channels, height, width))
    noisy[..., :9] = rng.random((batch, channels, 1, 1))
    return torch.from_numpy(np.round(noisy * 255) / 255)


def wang_bovik(first: np.ndarray, second: np.ndarray) -> float:
    """Q0 of two windows, with the cases of Wang's own code for constant ones."""
    mean_1, mean_2, spread = first.mean(), second.mean(), first.var() + second.var()
    if spread < 1e-20:
        return 2 * mean_1 * mean_2 / (mean_1**2 + mean_2**2) if mean_1 + mean_2 else 1.0
    covariance = ((first - mean_1) * (second - mean_2)).mean()
    return 4 * covariance * mean_1 * mean_2 / (spread * (mean_1**2 + mean_2**2))


def of_windows(fused: np.ndarray, sources: list[np.ndarray]) -> tuple[list[float], list[float]]:
    """Quality and saliency of every window of 8 x 8, or less where the image is smaller."""
    height, width = fused.shape
    qualities, saliencies = [], []
    for top in range(max(height - 8, 0) + 1):
        for left in range(max(width - 8, 0) + 1):
            window = slice(top, top + 8), slice(left, left + 8)
            variances = np.array([source[window].var() for source in sources])
            variances[variances < 1e-20] = 0
            flat = variances.sum() == 0
            shares = np.full(len(sources), 1 / len(sources)) if flat else variances / variances.sum()
            each = [wang_bovik(source[window], fused[window]) for source in sources]
            qualities.append(float(shares @ each))
            saliencies.append(float(variances.max()))
    return qualities, saliencies


def edges(image: np.ndarray) -> np.ndarray:
    bordered = np.pad(image, 1, mode="edge")
    strength = np.empty_like(image)
    for y, x in np.ndindex(*image.shape):
        patch = bordered[y : y + 3, x : x + 3]
        strength[y, x] = np.hypot(patch[:, 2].sum() - patch[:, 0].sum(), patch[2].sum() - patch[0].sum())
    return strength


def by_the_formulas(fused: torch.Tensor, sources: torch.Tensor) -> tuple[float, float, float]:
    images_ = [fused[0].numpy(), *sources.numpy()]
    qualities, saliencies = of_windows(images_[0], images_[1:])
    weighted = np.average(qualities, weights=saliencies)
    fused_edges, *source_edges = [edges(image) for image in images_]
    of_edges = of_windows(fused_edges, source_edges)
    return float(np.mean(qualities)), float(weighted), float(weighted * np.average(of_edges[0], weights=of_edges[1]))


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize(("height", "width"), [(21, 26), (8, 8), (9, 15), (5, 12), (12, 3), (4, 6)])
def test_they_are_the_formulas_window_by_window(count, height, width):
    fused, sources = images(1, 0, height, width), images(count, 1, height, width)
    sources[..., -1] = 0.3  # so that narrow pictures have some variance
    expected = np.array([by_the_formulas(f, s) for f, s in zip(fused, sources, strict=True)])
    for index, values in zip(INDICES, expected.T, strict=True):
        np.testing.assert_allclose(index(fused, sources), values, rtol=1e-5, atol=1e-7, err_msg=index.__name__)


def test_the_toolbox_takes_ssim_of_scikit_image_in_place_of_the_index():
    fused, sources = images(1, 0, 30, 40, 1), images(2, 1, 30, 40, 1)
    first, second = sources[0].numpy() * 255
    merged = fused[0, 0].numpy() * 255
    inside = slice(5, -5), slice(5, -5)
    ssim, variance = [], []
    for source in (first, second):
        options = {"data_range": 255, "gaussian_weights": True, "use_sample_covariance": False, "truncate": 5 / 1.5}
        _, values = skimage_ssim(source, merged, win_size=11, full=True, **options)
        ssim.append(values[inside])
        blurred, squares = (gaussian_filter(image, 1.5, truncate=5 / 1.5) for image in (source, source**2))
        variance.append((squares - blurred**2)[inside])
    share = variance[0] / (variance[0] + variance[1])
    quality = share * ssim[0] + (1 - share) * ssim[1]
    expected = np.average(quality, weights=np.maximum(*variance))
    weighted = weighted_quality_index(fused, sources, convention="toolbox").item()
    assert weighted == pytest.approx(expected, rel=1e-4)


def test_the_toolbox_has_a_mean_over_gaussian_windows():
    fused, sources = images(1, 0, 24, 30, 1), images(2, 1, 24, 30, 1)
    # In flat windows, the rounding of the toolbox's variances decides the share.
    sources[..., :9] = torch.rand(1, 2, 24, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = toolbox_mean(*(image.numpy() * 255 for image in (fused[0, 0], *sources[0])))
    ours = quality_index(fused, sources, convention="toolbox").item()
    assert ours == pytest.approx(expected, rel=1e-5)


def toolbox_mean(fused: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """The toolbox's Q_S, window by window, from its Gaussian window of 11 x 11."""
    x = np.arange(-5, 6)
    window = np.exp(-(x[:, None] ** 2 + x**2) / (2 * 1.5**2))
    window /= window.sum()
    qualities = []
    for top in range(fused.shape[0] - 10):
        for left in range(fused.shape[1] - 10):
            f, a, b = (image[top : top + 11, left : left + 11] for image in (fused, first, second))
            mean = [float((window * image).sum()) for image in (f, a, b)]
            spread = [float((window * (i - m) ** 2).sum()) for i, m in zip((f, a, b), mean, strict=True)]
            each = []
            for image, k in ((a, 1), (b, 2)):
                covariance = float((window * (f - mean[0]) * (image - mean[k])).sum())
                luminance = (2 * mean[0] * mean[k] + 6.5025) / (mean[0] ** 2 + mean[k] ** 2 + 6.5025)
                each.append(luminance * (2 * covariance + 58.5225) / (spread[0] + spread[k] + 58.5225))
            qualities.append((spread[1] * each[0] + spread[2] * each[1]) / (spread[1] + spread[2]))
    return float(np.mean(qualities))


@pytest.mark.parametrize(("index", "options"), MEASURES)
def test_order_and_batch_do_not_matter_and_the_range_is_kept(index, options):
    fused, sources = images(1, 0), images(3, 1)
    value = index(fused, sources, **options)
    assert value.shape == (2,)
    assert ((value > -1) & (value < 1)).all()
    torch.testing.assert_close(index(fused, sources.flip(1), **options), value)
    alone = [index(fused[i : i + 1], sources[i : i + 1], **options) for i in range(2)]
    torch.testing.assert_close(torch.cat(alone), value)


@pytest.mark.parametrize(("index", "options"), MEASURES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equal_images_have_one_even_without_any_variance(index, options, dtype):
    one = torch.ones(2, dtype=dtype)
    for fused in (images(1, 0).to(dtype), *(torch.full((2, 1, 20, 20), level, dtype=dtype) for level in (0, 0.3, 1))):
        torch.testing.assert_close(index(fused, fused.expand(-1, 2, -1, -1), **options), one)


def test_the_inverted_picture_has_the_lowest_index_and_the_best_edges():
    fused = torch.rand(1, 1, 20, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    inverted = (1 - fused).expand(-1, 2, -1, -1)
    assert quality_index(fused, inverted).item() < -0.9
    torch.testing.assert_close(edge_quality_index(fused, inverted), weighted_quality_index(fused, inverted))


def test_constant_images_of_other_levels_keep_the_luminance_term():
    fused, sources = torch.full((1, 1, 9, 9), 0.4), torch.tensor([0.2, 0.8]).view(1, 2, 1, 1).expand(1, 2, 9, 9)
    expected = (2 * 0.4 * 0.2 / (0.4**2 + 0.2**2) + 2 * 0.4 * 0.8 / (0.4**2 + 0.8**2)) / 2
    for index in INDICES:  # the edge images are all alike
        assert index(fused, sources).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("index", "options"), MEASURES)
@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3), (1, 40), (8, 7)])
def test_tiny_images_have_a_value(index, options, height, width):
    value = index(images(1, 0, height, width), images(2, 1, height, width), **options)
    assert ((value >= -1) & (value <= 1)).all()


@pytest.mark.parametrize(("index", "options"), MEASURES)
def test_eight_bits_and_single_precision_agree_with_double(index, options):
    fused, sources = images(1, 0, 96, 120), images(2, 1, 96, 120)
    expected = index(fused, sources, **options)
    single = index(fused.float(), sources.float(), **options)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), expected, rtol=1e-3, atol=1e-6)
    bytes_ = [(image * 255).round().to(torch.uint8) for image in (fused, sources)]
    torch.testing.assert_close(index(*bytes_, **options), single, rtol=1e-4, atol=0)


@pytest.mark.parametrize("index", INDICES)
def test_nan_and_unknown_conventions_are_refused(index):
    fused, sources = images(1, 0), images(2, 1)
    if index is not edge_quality_index:
        with pytest.raises(MetricError, match="no convention 'matlab'; expected one of imfuse, toolbox"):
            index(fused, sources, convention="matlab")
    sources[0, 1, 0, 0] = torch.nan
    with pytest.raises(MetricError, match="sources hold"):
        index(fused, sources)


@pytest.mark.parametrize(("index", "options"), MEASURES)
def test_their_gradient_is_right_and_finite_for_constant_images(index, options):
    generator = torch.Generator().manual_seed(0)
    sources = torch.rand(1, 2, 12, 9, dtype=torch.float64, generator=generator)
    fused = torch.rand(1, 1, 12, 9, dtype=torch.float64, generator=generator, requires_grad=True)
    assert torch.autograd.gradcheck(lambda image: index(image, sources, **options), fused)
    for level in (0.0, 0.5, 1.0):
        flat = torch.full((1, 1, 12, 9), level, requires_grad=True)
        both = torch.cat([sources[:, :1].float(), flat.detach()], dim=1).requires_grad_()
        index(flat, both, **options).sum().backward()
        assert torch.isfinite(flat.grad).all()
        assert torch.isfinite(both.grad).all()


def test_the_tables_know_them():
    for name, index in zip(("Qs", "Qw", "Qe"), INDICES, strict=True):
        metric = METRICS[name]
        assert metric.function is index
        assert (metric.higher_is_better, metric.is_differentiable, metric.rewards_noise) == (True, True, False)
        assert metric.conventions == (("imfuse",) if name == "Qe" else ("imfuse", "toolbox"))
