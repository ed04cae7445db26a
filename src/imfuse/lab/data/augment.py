"""The changes that one patch meets, drawn by the probabilities of a recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from imfuse.lab.data import degradations
from imfuse.lab.data.data_recipe import AugmentRecipe

Patch = NDArray[np.float32]
"""`(n, h, w)` in [0, 1]: aligned patches of the n sources."""

Degradation = Callable[[NDArray[np.float32], Generator], NDArray[np.float32]]


def flip(pixels: NDArray[np.uint8], probability: float, generator: Generator) -> NDArray[np.uint8]:
    """Mirror all sources of `(n, h, w)` left to right, and, drawn apart, top to bottom."""
    across, down = generator.random(2) < probability
    return pixels[:, :: -1 if down else 1, :: -1 if across else 1]


def augment(patch: Patch, sources: Sequence[str], recipe: AugmentRecipe, generator: Generator) -> tuple[Patch, Patch]:
    """Degrade a patch in place.

    Args:
        patch: aligned patches of the sources.
        sources: their names; some changes are made to `infrared` or `visible` alone.
        recipe: probability of each change.
        generator: of this patch alone.

    Returns:
        What the network sees, and what the loss compares with: the same but for the noise.
    """

    def met(probability: float) -> bool:
        return probability > 0 and generator.random() < probability

    if met(recipe.invert_infrared):
        index = sources.index("infrared")
        patch[index] = degradations.invert(patch[index])
    for probability, change in (
        (recipe.darkness, degradations.darkness),
        (recipe.overexposure, degradations.overexposure),
        (recipe.haze, degradations.haze),
    ):
        if met(probability):
            index = sources.index("visible")
            patch[index] = change(patch[index], generator)
    for probability, change in ((recipe.gamma, degradations.gamma), (recipe.contrast, degradations.contrast)):
        if recipe.together:
            if met(probability):
                patch = _as_one(patch, change, generator)
            continue
        for index in range(len(patch)):
            if met(probability):
                patch[index] = change(patch[index], generator)
    if not met(recipe.noise):
        return patch, patch
    return np.stack([degradations.noise(source, generator) for source in patch]), patch


def _as_one(patch: Patch, change: Degradation, generator: Generator) -> Patch:
    """Change all sources by one draw, as a single image of the sources below one another."""
    count, height, width = patch.shape
    return change(patch.reshape(count * height, width), generator).reshape(patch.shape)
