"""Noise in fused images that their sources do not have, measured where the sources are smooth."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.errors import ImfuseError
from imfuse.lab.bench.evaluation import Evaluation
from imfuse.lab.bench.measuring.measure import unit_lumas
from imfuse.lab.bench.pictures import fused_picture, read_sources, unit_luma

Floats = NDArray[np.float64]

BLOCK = 16
QUIET = 0.1
"""Share of the blocks that is looked at: those in which even the liveliest source is smoothest."""
MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float64)
PEAK = 255
SCENES = 10


@dataclass(frozen=True, eq=False)
class NoiseLevels:
    """Standard deviations of noise on the 0..255 scale in the scenes that were looked at.

    Attributes:
        fused: `(methods, scenes)`; NaN for references, which add none, and for images that are missing.
        sources: `(scenes,)`, the largest of the sources.
    """

    fused: Floats
    sources: Floats


def measure_noise(evaluation: Evaluation, scenes: int = SCENES) -> NoiseLevels:
    """Noise levels of all methods in so many scenes, spread evenly; what cannot be read is left out."""
    levels = [_scene_levels(evaluation, place) for place in spread_scenes(evaluation, scenes)]
    return NoiseLevels(np.array([fused for fused, _ in levels]).T, np.array([sources for _, sources in levels]))


def spread_scenes(evaluation: Evaluation, scenes: int) -> list[int]:
    """Indices of so many scenes, spread evenly; of all where there are no more."""
    return np.unique(np.linspace(0, len(evaluation.scenes) - 1, scenes).round().astype(int)).tolist()


def _scene_levels(evaluation: Evaluation, place: int) -> tuple[Floats, float]:
    """Noise of each method and of the sources in one scene."""
    scene, of_sources = evaluation.scenes[place], float("nan")
    fused = np.full(len(evaluation.methods), np.nan)
    with suppress(ImfuseError):
        sources = read_sources(scene)
        lumas = unit_lumas(scene.sources, sources)
        for row, method in enumerate(evaluation.methods):
            if scene.stem not in method.files or np.isnan(evaluation.values[row, :, place]).all():
                continue
            with suppress(ImfuseError):
                fused[row], of_sources = noise_levels(unit_luma(fused_picture(method, scene, sources)), lumas)
    return fused, of_sources


def noise_levels(fused: Floats, sources: Sequence[Floats]) -> tuple[float, float]:
    """Standard deviation of the noise of the fused image and the largest of the sources', on the 0..255 scale.

    The estimate is Immerkaer's (1996), which structure raises too; hence it is taken in the tenth of the blocks in
    which the sources have least of both, a choice that makes white noise of the sources read about an eighth low.
    Blocks that are flat in all sources, as black margins are, count only where there are no others. Both are NaN for
    images of less than 3 x 3 pixels.

    Args:
        fused: `(h, w)` luma in [0, 1].
        sources: the same of each source.
    """
    if min(fused.shape) < len(MASK):
        return float("nan"), float("nan")
    levels = np.stack([_block_levels(luma) for luma in (fused, *sources)])
    liveliest = levels[1:].max(axis=0)
    lively = liveliest > 0 if liveliest.any() else liveliest == 0
    quiet = levels[:, lively & (liveliest <= np.quantile(liveliest[lively], QUIET))]
    noise = np.sqrt((quiet**2).mean(axis=1))
    return float(noise[0]), float(noise[1:].max())


def _block_levels(luma: Floats) -> Floats:
    """Immerkaer's estimate in each whole block of an image; a side shorter than a block is one block."""
    response = np.abs(cv2.filter2D(luma * PEAK, -1, MASK))[1:-1, 1:-1]
    height, width = (min(BLOCK, side) for side in response.shape)
    rows, columns = response.shape[0] // height, response.shape[1] // width
    blocks = response[: rows * height, : columns * width].reshape(rows, height, columns, width)
    return np.sqrt(np.pi / 2) / 6 * blocks.mean(axis=(1, 3)).ravel()
