"""The common metrics in plain NumPy and OpenCV: separable filters, no loops, what the sources share computed once.

What somebody writes who knows both libraries and wants it fast, without in-place arithmetic or other finesse. Arrays in
0..255, in single or double precision, which is kept.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.floating]


def levels(image: Image) -> NDArray[np.intp]:
    return np.floor(image + 0.5).astype(np.intp).ravel()


def bits(counts: NDArray[np.integer]) -> float:
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log2(share)).sum())


def entropy(fused: Image) -> float:
    return bits(np.bincount(levels(fused), minlength=256))


def spatial_frequency(fused: Image) -> float:
    return math.sqrt(np.square(np.diff(fused, axis=1)).mean() + np.square(np.diff(fused, axis=0)).mean())


def average_gradient(fused: Image) -> float:
    down, across = np.gradient(fused)
    height, width = fused.shape
    return float(np.sqrt((across**2 + down**2) / 2).sum() / ((height - 1) * (width - 1)))


def mutual_information(fused: Image, sources: tuple[Image, ...]) -> float:
    of_fused, total = levels(fused), 0.0
    for source in sources:
        of_source = levels(source)
        joint = np.bincount(of_source * 256 + of_fused, minlength=256**2).reshape(256, 256)
        total += bits(joint.sum(1)) + bits(joint.sum(0)) - bits(joint)
    return total


def correlation(first: Image, second: Image) -> float:
    first, second = first - first.mean(), second - second.mean()
    return float((first * second).sum() / np.sqrt((first**2).sum() * (second**2).sum()))


def sum_of_correlation_differences(fused: Image, sources: tuple[Image, ...]) -> float:
    first, second = sources
    return correlation(fused - second, first) + correlation(fused - first, second)


def correlation_coefficient(fused: Image, sources: tuple[Image, ...]) -> float:
    return sum(correlation(source, fused) for source in sources) / len(sources)


def valid(image: Image, size: int) -> Image:
    radius = size // 2
    return cv2.GaussianBlur(image, (size, size), size / 5)[radius:-radius, radius:-radius]


def visual_information_fidelity(fused: Image, sources: tuple[Image, ...]) -> float:
    kept, held = np.zeros(len(sources)), np.zeros(len(sources))
    for size in (17, 9, 5, 3):
        if size < 17:
            fused, *sources = (np.ascontiguousarray(valid(image, size)[::2, ::2]) for image in (fused, *sources))
        mean_f = valid(fused, size)
        variance_f = np.maximum(valid(fused**2, size) - mean_f**2, 0)
        for index, source in enumerate(sources):
            mean_s = valid(source, size)
            variance_s = np.maximum(valid(source**2, size) - mean_s**2, 0)
            covariance = valid(source * fused, size) - mean_s * mean_f
            gain = np.where(variance_s < 1e-10, 0, np.maximum(covariance, 0) / (variance_s + 1e-10))
            noise = np.maximum(variance_f - gain * covariance, 0)
            kept[index] += np.log10(1 + gain**2 * variance_s / (noise + 2)).sum()
            held[index] += np.log10(1 + variance_s / 2).sum()
    return float((kept / held).sum())


def edges(image: Image) -> tuple[Image, Image]:
    across = cv2.Sobel(image, -1, 1, 0, borderType=cv2.BORDER_CONSTANT)
    up = -cv2.Sobel(image, -1, 0, 1, borderType=cv2.BORDER_CONSTANT)
    angle = np.where(across == 0, math.pi / 2, np.arctan(up / np.where(across == 0, 1, across)))
    return np.sqrt(across**2 + up**2), angle.astype(image.dtype)


def preservation(source: tuple[Image, Image], fused: tuple[Image, Image]) -> Image:
    larger = np.maximum(source[0], fused[0])
    ratio = np.minimum(source[0], fused[0]) / np.where(larger == 0, 1, larger)
    alignment = 1 - np.abs(source[1] - fused[1]) / (math.pi / 2)
    return 0.9994 / (1 + np.exp(-15 * (ratio - 0.5))) * (0.9879 / (1 + np.exp(-22 * (alignment - 0.8))))


def edge_transfer(fused: Image, sources: tuple[Image, ...]) -> float:
    of_fused, of_sources = edges(fused), [edges(source) for source in sources]
    kept = sum((preservation(each, of_fused) * each[0]).sum() for each in of_sources)
    return float(kept / sum(each[0].sum() for each in of_sources))


def edge_artefacts(fused: Image, sources: tuple[Image, ...]) -> float:
    of_fused, of_sources = edges(fused), [edges(source) for source in sources]
    added = of_fused[0] > np.maximum(*(each[0] for each in of_sources))
    lack = sum(((1 - preservation(each, of_fused)) * each[0] * added).sum() for each in of_sources)
    return float(lack / sum(each[0].sum() for each in of_sources))


def blurred(image: Image) -> Image:
    return cv2.GaussianBlur(image, (11, 11), 1.5, borderType=cv2.BORDER_REPLICATE)


def similarity(fused: Image, sources: tuple[Image, ...]) -> float:
    mean_f, total = blurred(fused), 0.0
    variance_f = blurred(fused**2) - mean_f**2
    for source in sources:
        mean_s = blurred(source)
        variance_s, covariance = blurred(source**2) - mean_s**2, blurred(source * fused) - mean_s * mean_f
        luminance = (2 * mean_f * mean_s + 2.55**2) / (mean_f**2 + mean_s**2 + 2.55**2)
        total += (luminance * (2 * covariance + 7.65**2) / (variance_f + variance_s + 7.65**2)).mean()
    return float(total / len(sources))


def mean_squared_error(fused: Image, sources: tuple[Image, ...]) -> float:
    return float(sum(np.square(source - fused).mean() for source in sources) / len(sources) / 255**2)


COMMON = {
    "EN": lambda fused, _: entropy(fused),
    "SD": lambda fused, _: float(fused.std()),
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
    "PSNR": lambda fused, sources: -10 * math.log10(mean_squared_error(fused, sources)),
}
