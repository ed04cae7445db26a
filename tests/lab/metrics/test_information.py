"""EN, CE, MI and NMI against scikit-image, scipy and loops over the histogram."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import entropy as scipy_entropy
from skimage.measure import shannon_entropy
from skimage.metrics import normalized_mutual_information as skimage_nmi

from imfuse.lab.metrics import functional as metrics


def grey(seed: int, low: int = 0, high: int = 200) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, high, (40, 50), dtype=np.uint8)


def tensor(*pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.stack(pixels) / 255.0)[None]


def mixed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return ((first.astype(int) + second) // 2).astype(np.uint8)


def looped_mutual_information(first: np.ndarray, second: np.ndarray) -> float:
    joint = np.zeros((256, 256))
    for i, j in zip(first.ravel(), second.ravel(), strict=True):
        joint[i, j] += 1 / first.size
    total = 0.0
    for i, j in zip(*np.nonzero(joint), strict=True):
        total += joint[i, j] * math.log2(joint[i, j] / (joint[i].sum() * joint[:, j].sum()))
    return total


def test_entropy_is_that_of_scikit_image():
    assert metrics.entropy(tensor(grey(0))).item() == pytest.approx(shannon_entropy(grey(0), base=2), rel=1e-12)


def test_clamped_entropy_counts_black_as_level_one():
    pixels = grey(0, high=6)
    expected = shannon_entropy(np.maximum(pixels, 1), base=2)
    assert metrics.entropy(tensor(pixels), convention="clamped").item() == pytest.approx(expected, rel=1e-12)
    assert expected < shannon_entropy(pixels, base=2)


def test_entropy_of_all_levels_is_eight_bits():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert metrics.entropy(tensor(levels)).item() == pytest.approx(8, rel=1e-12)


def test_mutual_information_is_that_of_a_loop_over_the_pixels():
    first, second = grey(1), grey(2)
    fused = mixed(first, second)
    expected = looped_mutual_information(first, fused) + looped_mutual_information(second, fused)
    sources = tensor(first, second)
    assert metrics.mutual_information(tensor(fused), sources).item() == pytest.approx(expected, rel=1e-10)
    in_nats = metrics.mutual_information(tensor(fused), sources, convention="nats")
    assert in_nats.item() == pytest.approx(expected * math.log(2), rel=1e-10)


def test_mutual_information_of_an_image_with_itself_is_its_entropy():
    fused = tensor(grey(0))
    expected = 3 * metrics.entropy(fused)
    torch.testing.assert_close(metrics.mutual_information(fused, fused.expand(-1, 3, -1, -1)), expected)


def test_normalised_mutual_information_is_the_sum_of_those_of_scikit_image():
    first, second = grey(1), grey(2)
    fused = mixed(first, second)
    # Theirs is (H(A) + H(F)) / H(A, F), of which Hossny's 2 I / (H(A) + H(F)) is 2 - 2 / theirs.
    expected = sum(2 - 2 / skimage_nmi(source, fused, bins=256) for source in (first, second))
    value = metrics.normalized_mutual_information(tensor(fused), tensor(first, second)).item()
    assert value == pytest.approx(expected, rel=1e-3)  # their bins are as wide as the range of the image
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    shuffled = np.random.default_rng(0).permutation(levels.ravel()).reshape(16, 16)
    exact = 2 * (2 - 2 / skimage_nmi(shuffled, levels, bins=256))
    value = metrics.normalized_mutual_information(tensor(levels), tensor(shuffled, shuffled)).item()
    assert value == pytest.approx(exact, rel=1e-10)


def test_cross_entropy_is_the_relative_entropy_of_scipy_where_no_level_is_missing():
    first, second, fused = (np.append(np.arange(8), grey(seed, high=8).ravel()) for seed in (1, 2, 3))
    shares = [np.bincount(pixels, minlength=8) / pixels.size for pixels in (first, second, fused)]
    expected = (scipy_entropy(shares[0], shares[2], base=2) + scipy_entropy(shares[1], shares[2], base=2)) / 2
    first, second, fused = (pixels.reshape(1, -1) for pixels in (first, second, fused))
    assert metrics.cross_entropy(tensor(fused), tensor(first, second)).item() == pytest.approx(expected, rel=1e-10)


def test_cross_entropy_leaves_out_levels_that_one_does_not_have():
    source, fused = np.array([[0, 0, 1, 2]]), np.array([[0, 1, 1, 3]])
    expected = 0.5 * math.log2(0.5 / 0.25) + 0.25 * math.log2(0.25 / 0.5)
    value = metrics.cross_entropy(tensor(fused), tensor(source, source)).item()
    assert value == pytest.approx(expected, rel=1e-12)


def test_cross_entropy_of_images_without_a_common_level_is_zero():
    black, white = np.zeros((3, 3)), np.full((3, 3), 255)
    assert metrics.cross_entropy(tensor(black), tensor(white, white)).item() == 0
