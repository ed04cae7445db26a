"""FMI equals the construct of the paper window by window, on features that other libraries give."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.fft import dctn
from scipy.integrate import quad

from imfuse.errors import MetricError
from imfuse.lab.metrics.functional import _nelsen, feature_mutual_information
from imfuse.lab.metrics.functional._features import cosine_transform, horizontal_gradient, meyer_bands
from imfuse.lab.metrics.registry import METRICS

FEATURES = ["pixel", "gradient", "wavelet", "dct"]
TAPS = 102


def images(channels: int, seed: int, height: int = 14, width: int = 17, batch: int = 2) -> torch.Tensor:
    """Pictures of 8 bits with smooth, black and white, lonely bright and flat parts."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((batch, channels, height // 3 + 2, width // 3 + 2)).repeat(3, 2).repeat(3, 3)
    smooth = (coarse[..., 1:, :] + coarse[..., :-1, :])[..., :height, :width] / 2 * 0.9
    smooth += 0.1 * rng.random((batch, channels, height, width))
    smooth[..., : height // 3, -5:] = (rng.random((batch, channels, height // 3, width)) > 0.6)[..., -5:]
    smooth[..., -4:, :6] = rng.integers(2, 9, (batch, channels, 1, 1)) / 10
    smooth[..., -2, 4] = 1
    return torch.from_numpy(np.round(smooth * 255) / 255)


def density(values: np.ndarray) -> np.ndarray:
    values = values - values.min()
    return values / values.sum() if values.any() else np.full(9, 1 / 9)


def entropy(probability: np.ndarray) -> float:
    cells = np.abs(probability[np.abs(probability) > 1e-14])
    return float(-(np.sign(probability[np.abs(probability) > 1e-14]) * cells * np.log2(cells)).sum())


def of_window(merged: np.ndarray, source: np.ndarray) -> float:
    """2 I(F; A) / (H(F) + H(A)), all 81 cells of the joint distribution, with both bounds of Fréchet."""
    if np.array_equal(merged, source):
        return 1.0
    if np.ptp(merged) == 0 or np.ptp(source) == 0:
        return 0.0
    f, a = density(merged.T.ravel()), density(source.T.ravel())
    F, A = np.cumsum(f)[:, None], np.cumsum(a)[None]
    correlation = np.corrcoef(f, a)[0, 1]
    bound = np.minimum(F, A) if correlation >= 0 else np.maximum(F + A - 1, 0)
    place = np.arange(1, 10)
    deviations = np.prod([np.sqrt(max((place**2) @ p - (place @ p) ** 2, 0)) for p in (f, a)])
    share = correlation / ((bound - F * A).sum() / deviations) if deviations > 1e-6 else 0.0
    extreme = np.diff(np.diff(np.pad(bound, ((1, 0), (1, 0))), axis=0), axis=1)
    joint = share * extreme + (1 - share) * np.outer(f, a)
    marginal = entropy(f) + entropy(a)
    return 2 * (marginal - entropy(joint)) / marginal if marginal else 0.0


def of_all_windows(merged: np.ndarray, source: np.ndarray) -> float:
    height, width = merged.shape
    windows = [np.s_[y : y + 3, x : x + 3] for y in range(height - 2) for x in range(width - 2)]
    return float(np.mean([of_window(merged[window], source[window]) for window in windows]))


def meyer_filter() -> np.ndarray:
    """Meyer's low-pass filter at -51 to 50, by quadrature of its closed form (Daubechies 1992)."""

    def response(frequency: float, place: int) -> float:
        x = min(max(3 * frequency / math.pi - 1, 0), 1)
        ramp = x**4 * (35 - 84 * x + 70 * x**2 - 20 * x**3)
        return math.cos(math.pi / 2 * ramp) * math.cos(frequency * place)

    points = [math.pi / 3]
    taps = [quad(response, 0, 2 * math.pi / 3, (place,), points=points, limit=200)[0] for place in range(-51, 51)]
    return np.array(taps) / sum(taps) * math.sqrt(2)


LOW = meyer_filter()
HIGH = np.array([(-1) ** (k + 1) * LOW[TAPS - 1 - k] for k in range(TAPS)])


def analyse(values: np.ndarray) -> list[np.ndarray]:
    """MATLAB's dwt: symmetric border of 101 values, convolution, every second value."""
    extended = np.pad(values, TAPS - 1, mode="symmetric")
    return [np.convolve(extended, taps, "valid")[1::2] for taps in (LOW, HIGH)]


def wavelet(image: np.ndarray) -> np.ndarray:
    across = [np.stack(band) for band in zip(*map(analyse, image), strict=True)]
    (approximation, horizontal), (vertical, diagonal) = (
        [np.stack(band, axis=1) for band in zip(*map(analyse, band.T), strict=True)] for band in across
    )
    bands = np.block([[approximation, horizontal], [vertical, diagonal]])
    bands = (bands - bands.min()) / np.ptp(bands)
    return np.round(bands * 2**44)  # fmi.m does not round, and sees the rounding of its filters in flat parts


def feature_of(image: np.ndarray, feature: str) -> np.ndarray:
    if feature == "gradient":
        return np.gradient(image * 255, axis=1)
    if feature == "dct":
        return dctn(image, norm="ortho")
    return image


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("feature", ["pixel", "gradient", "dct"])
def test_it_is_the_construct_of_the_paper_window_by_window(feature, count):
    fused, sources = images(1, 0), images(count, 1)
    fused[..., 6:10] = sources[:, :1, :, 6:10]
    expected = []
    for merged, of_image in zip(fused.numpy(), sources.numpy(), strict=True):
        features = [feature_of(plane, feature) for plane in (merged[0], *of_image)]
        expected.append(np.mean([of_all_windows(features[0], each) for each in features[1:]]))
    values = feature_mutual_information(fused, sources, feature=feature)
    np.testing.assert_allclose(values, expected, rtol=1e-6)


@pytest.mark.parametrize("count", [2, 3])
def test_of_the_wavelet_it_is_the_same_of_all_bands(count):
    fused, sources = images(1, 0), images(count, 1)
    fused[1] = sources[1, :1]
    expected = []
    for merged, of_image in zip(fused.numpy(), sources.numpy(), strict=True):
        features = np.stack([wavelet(plane) for plane in (merged[0], *of_image)])
        expected.append(_nelsen.shared_information(features).mean())
    np.testing.assert_allclose(feature_mutual_information(fused, sources, feature="wavelet"), expected, rtol=1e-6)


def test_windows_of_every_kind_are_among_those_compared():
    fused, sources = images(1, 0)[0, 0].numpy() * 255, images(2, 1)[0, 0].numpy() * 255
    pairs = [(fused[y : y + 3, x : x + 3], sources[y : y + 3, x : x + 3]) for y in range(12) for x in range(15)]
    flat = [np.ptp(f) == 0 or np.ptp(s) == 0 for f, s in pairs]
    textured = [pair for pair, is_flat in zip(pairs, flat, strict=True) if not is_flat]
    correlations = [np.corrcoef(f.ravel(), s.ravel())[0, 1] for f, s in textured]
    lonely = [(density(window) == 1).any() for pair in textured for window in pair]
    assert any(flat)
    assert min(correlations) < -0.5
    assert max(correlations) > 0.5
    assert any(lonely)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 1), (2, 3), (30, 41), (120, 131)])
def test_the_features_are_those_of_other_libraries(size):
    rng = np.random.default_rng(0)
    image = rng.random(size)
    tensor = torch.from_numpy(image)[None, None]
    np.testing.assert_allclose(cosine_transform(tensor)[0, 0], dctn(image, norm="ortho"), atol=1e-12)
    if size[1] > 1:
        np.testing.assert_allclose(horizontal_gradient(tensor)[0, 0], np.gradient(image, axis=1), atol=1e-14)
    bands = meyer_bands(tensor.expand(2, 3, -1, -1) * torch.tensor([1.0, 2, 3]).view(1, 3, 1, 1)).numpy()
    expected = wavelet_without_stretch(image)
    np.testing.assert_allclose(bands[1, 2], 3 * expected, atol=1e-8)
    np.testing.assert_allclose(bands[0, 0], expected, atol=1e-8)


def wavelet_without_stretch(image: np.ndarray) -> np.ndarray:
    low, high = (np.stack(band) for band in zip(*map(analyse, image), strict=True))
    columns = [[np.stack(band, axis=1) for band in zip(*map(analyse, half.T), strict=True)] for half in (low, high)]
    return np.block(columns)


def test_the_filter_is_orthogonal_to_its_even_shifts():
    products = np.correlate(LOW, LOW, "full")[TAPS - 1 :: 2]
    np.testing.assert_allclose(products, np.eye(1, len(products))[0], atol=2e-5)


def test_chunks_change_nothing(monkeypatch):
    fused, sources = images(1, 2), images(2, 3)
    whole = feature_mutual_information(fused, sources)
    for windows in (1, 37, 64):
        monkeypatch.setattr(_nelsen, "CHUNK", windows)
        torch.testing.assert_close(feature_mutual_information(fused, sources), whole)


@pytest.mark.parametrize("feature", FEATURES)
def test_equal_images_have_one(feature):
    for fused in (images(1, 0), torch.full((1, 1, 20, 20), 0.3), torch.zeros(1, 1, 5, 5)):
        for dtype in (torch.float32, torch.float64):
            sources = fused.to(dtype).expand(-1, 2, -1, -1)
            value = feature_mutual_information(fused.to(dtype), sources, feature=feature)
            torch.testing.assert_close(value, torch.ones_like(value))


@pytest.mark.parametrize(("feature", "expected"), [("pixel", 0), ("gradient", 1), ("wavelet", 1), ("dct", 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_constant_images_that_differ(feature, expected, dtype):
    fused, sources = torch.full((1, 1, 40, 50), 0.7, dtype=dtype), torch.full((1, 2, 40, 50), 0.3, dtype=dtype)
    value = feature_mutual_information(fused, sources, feature=feature).item()
    assert value == pytest.approx(expected, abs=1e-3)  # the one window with the sum of all pixels differs
    textured = feature_mutual_information(images(1, 0, 40, 50, 1).to(dtype), sources, feature=feature).item()
    assert 0 <= textured < 0.7


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 3), (9, 2)])
def test_tiny_images_have_a_value(feature, size):
    fused, sources = images(1, 0)[..., : size[0], : size[1]], images(2, 1)[..., : size[0], : size[1]]
    assert torch.isfinite(feature_mutual_information(fused, sources, feature=feature)).all()


def test_images_below_a_window_are_continued_by_their_border():
    fused, sources = images(1, 0)[..., :2, :5], images(2, 1)[..., :2, :5]
    longer = [torch.cat([image, image[..., -1:, :]], dim=-2) for image in (fused, sources)]
    torch.testing.assert_close(feature_mutual_information(fused, sources), feature_mutual_information(*longer))


@pytest.mark.parametrize("feature", FEATURES)
def test_neither_the_order_of_the_sources_nor_the_batch_matters(feature):
    fused, sources = images(1, 0), images(3, 1)
    values = feature_mutual_information(fused, sources, feature=feature)
    torch.testing.assert_close(feature_mutual_information(fused, sources.flip(1), feature=feature), values)
    each = [feature_mutual_information(fused[i : i + 1], sources[i : i + 1], feature=feature) for i in range(2)]
    torch.testing.assert_close(torch.cat(each), values)


@pytest.mark.parametrize("feature", FEATURES)
def test_single_precision_agrees_with_double(feature):
    fused, sources = images(1, 4, 60, 70), images(2, 5, 60, 70)
    double = feature_mutual_information(fused, sources, feature=feature)
    single = feature_mutual_information(fused.float(), sources.float(), feature=feature)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), double, rtol=1e-4, atol=0)
    of_levels = [(image * 255).round().to(torch.uint8) for image in (fused, sources)]
    torch.testing.assert_close(feature_mutual_information(*of_levels, feature=feature), single, rtol=0, atol=0)


def test_what_follows_the_sources_is_better():
    sources = images(2, 1, 40, 50, 1)
    noise = torch.rand(1, 1, 40, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for name in ("FMI_pixel", "FMI_gradient", "FMI_wavelet", "FMI_DCT"):
        assert METRICS[name](sources.mean(1, keepdim=True), sources) > METRICS[name](noise, sources)


def test_a_gradient_is_not_asked_for_in_vain():
    fused = images(1, 0).requires_grad_()
    assert not feature_mutual_information(fused, images(2, 1)).requires_grad
    assert not METRICS["FMI_pixel"].is_differentiable


def test_what_cannot_be_measured_is_refused():
    fused, sources = images(1, 0), images(2, 1)
    with pytest.raises(MetricError, match="no feature 'edge'; expected pixel"):
        feature_mutual_information(fused, sources, feature="edge")  # pyright: ignore[reportArgumentType]
    fused[0, 0, 3, 4] = math.nan
    with pytest.raises(MetricError, match="NaN"):
        feature_mutual_information(fused, sources)
