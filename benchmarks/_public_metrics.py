"""The common metrics as public Python scripts compute them: one pair of arrays in 0..255 after the other.

Written from the formulas, with the means that those scripts use: `scipy.signal.convolve2d` with whole two-dimensional
windows for VIF and the edges, the SSIM of scikit-image, loops over the bins of the joint histogram for MI, masks for
the cases of the edges, and everything of the fused image anew for each source. Of imfuse's definitions where public
scripts differ, so that the values can be compared.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.signal import convolve2d
from skimage.metrics import structural_similarity

Image = NDArray[np.float64]


def entropy(fused: Image) -> float:
    levels = np.round(fused).astype(np.uint8).ravel()
    share = np.bincount(levels, minlength=256) / levels.size
    return float(-np.sum(share * np.log2(share + (share == 0))))


def standard_deviation(fused: Image) -> float:
    return float(np.std(fused))


def spatial_frequency(fused: Image) -> float:
    rows, columns = fused[:, 1:] - fused[:, :-1], fused[1:] - fused[:-1]
    return math.sqrt(np.mean(rows**2) + np.mean(columns**2))


def average_gradient(fused: Image) -> float:
    down, across = np.gradient(fused)
    height, width = fused.shape
    return float(np.sum(np.sqrt((across**2 + down**2) / 2)) / ((height - 1) * (width - 1)))


def mutual_information(fused: Image, sources: tuple[Image, ...]) -> float:
    return sum(_mutual_information(source, fused) for source in sources)


def _mutual_information(source: Image, fused: Image) -> float:
    counts, _, _ = np.histogram2d(source.ravel(), fused.ravel(), bins=256, range=[[-0.5, 255.5], [-0.5, 255.5]])
    joint = counts / counts.sum()
    of_source, of_fused = joint.sum(1), joint.sum(0)
    total = 0.0
    for i in range(256):
        for j in range(256):
            if joint[i, j] > 0:
                total += joint[i, j] * math.log2(joint[i, j] / (of_source[i] * of_fused[j]))
    return total


def _correlation(first: Image, second: Image) -> float:
    first, second = first - np.mean(first), second - np.mean(second)
    return float(np.sum(first * second) / np.sqrt(np.sum(first**2) * np.sum(second**2)))


def sum_of_correlation_differences(fused: Image, sources: tuple[Image, ...]) -> float:
    first, second = sources
    return _correlation(fused - second, first) + _correlation(fused - first, second)


def correlation_coefficient(fused: Image, sources: tuple[Image, ...]) -> float:
    return (_correlation(sources[0], fused) + _correlation(sources[1], fused)) / 2


def visual_information_fidelity(fused: Image, sources: tuple[Image, ...]) -> float:
    return sum(_vifp(source, fused) for source in sources)


def _vifp(source: Image, fused: Image) -> float:
    kept = held = 0.0
    for scale in range(1, 5):
        size = 2 ** (5 - scale) + 1
        position = np.arange(size) - size // 2
        window = np.exp(-(position[:, None] ** 2 + position[None] ** 2) / (2 * (size / 5) ** 2))
        window /= window.sum()
        if scale > 1:
            source = convolve2d(source, window, mode="valid")[::2, ::2]
            fused = convolve2d(fused, window, mode="valid")[::2, ::2]
        mean_s, mean_f = convolve2d(source, window, mode="valid"), convolve2d(fused, window, mode="valid")
        variance_s = convolve2d(source * source, window, mode="valid") - mean_s * mean_s
        variance_f = convolve2d(fused * fused, window, mode="valid") - mean_f * mean_f
        covariance = convolve2d(source * fused, window, mode="valid") - mean_s * mean_f
        variance_s[variance_s < 0] = 0
        variance_f[variance_f < 0] = 0
        gain = covariance / (variance_s + 1e-10)
        noise = variance_f - gain * covariance
        flat_s, flat_f = variance_s < 1e-10, variance_f < 1e-10
        gain[flat_s] = 0
        noise[flat_s] = variance_f[flat_s]
        variance_s[flat_s] = 0
        gain[flat_f] = 0
        noise[flat_f] = 0
        noise[gain < 0] = variance_f[gain < 0]
        gain[gain < 0] = 0
        noise[noise <= 1e-10] = 1e-10
        kept += np.sum(np.log10(1 + gain**2 * variance_s / (noise + 2)))
        held += np.sum(np.log10(1 + variance_s / 2))
    return kept / held


def _edges(image: Image) -> tuple[Image, Image]:
    across = convolve2d(image, np.array([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]), mode="same")
    up = convolve2d(image, np.array([[-1.0, -2, -1], [0, 0, 0], [1, 2, 1]]), mode="same")
    angle = np.full_like(image, math.pi / 2)
    angle[across != 0] = np.arctan(up[across != 0] / across[across != 0])
    return np.sqrt(across**2 + up**2), angle


def _preservation(strength_s: Image, angle_s: Image, strength_f: Image, angle_f: Image) -> Image:
    ratio = np.ones_like(strength_s)
    weaker, stronger = strength_s > strength_f, strength_s < strength_f
    ratio[weaker] = strength_f[weaker] / strength_s[weaker]
    ratio[stronger] = strength_s[stronger] / strength_f[stronger]
    alignment = 1 - np.abs(angle_s - angle_f) / (math.pi / 2)
    return 0.9994 / (1 + np.exp(-15 * (ratio - 0.5))) * (0.9879 / (1 + np.exp(-22 * (alignment - 0.8))))


def edge_transfer(fused: Image, sources: tuple[Image, ...]) -> float:
    first, second, of_fused = _edges(sources[0]), _edges(sources[1]), _edges(fused)
    kept = _preservation(*first, *of_fused) * first[0] + _preservation(*second, *of_fused) * second[0]
    return float(np.sum(kept) / np.sum(first[0] + second[0]))


def edge_artefacts(fused: Image, sources: tuple[Image, ...]) -> float:
    first, second, of_fused = _edges(sources[0]), _edges(sources[1]), _edges(fused)
    added = np.where((of_fused[0] > first[0]) & (of_fused[0] > second[0]), 1, 0)
    lack = (1 - _preservation(*first, *of_fused)) * first[0] + (1 - _preservation(*second, *of_fused)) * second[0]
    return float(np.sum(added * lack) / np.sum(first[0] + second[0]))


def similarity(fused: Image, sources: tuple[Image, ...]) -> float:
    # Padded, so that the pixels that scikit-image leaves out at the border are none of the image.
    fused, *padded = (np.pad(image, 5, mode="edge") for image in (fused, *sources))
    options = {"data_range": 255, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return sum(float(structural_similarity(source, fused, **options)) for source in padded) / len(padded)


def mean_squared_error(fused: Image, sources: tuple[Image, ...]) -> float:
    fused, first, second = (image / 255 for image in (fused, *sources))
    return float((np.mean((first - fused) ** 2) + np.mean((second - fused) ** 2)) / 2)


def peak_signal_noise_ratio(fused: Image, sources: tuple[Image, ...]) -> float:
    return 10 * math.log10(1 / mean_squared_error(fused, sources))


COMMON = {
    "EN": lambda fused, _: entropy(fused),
    "SD": lambda fused, _: standard_deviation(fused),
    "SF": lambda fused, _: spatial_frequency(fused),
    "AG": lambda fused, _: average_gradient(fused),
    "MI": mutual_information,
    "SCD": sum_of_correlation_differences,
    "VIF": visual_information_fidelity,
    "Qabf": edge_transfer,
    "Nabf": edge_artefacts,
    "SSIM": similarity,
    "CC": correlation_coefficient,
    "MSE": mean_squared_error,
    "PSNR": peak_signal_noise_ratio,
}
