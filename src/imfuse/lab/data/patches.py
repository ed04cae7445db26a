"""Batches of random aligned patches that depend on nothing but (seed, step, number of the patch).

So a resumed training sees what an uninterrupted one would have seen, and several processes, each of which cuts its
own part of the global batch, see together what one process alone would have seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imfuse.lab.data.augment import augment, flip
from imfuse.lab.data.data_recipe import AugmentRecipe, DataRecipe
from imfuse.lab.data.simulated import SimulatedScenes
from imfuse.lab.data.stacks import FolderScenes, SceneCache, Scenes

Patches = NDArray[np.float32]
"""`(b, n, patch, patch)` in [0, 1]."""


class PatchSampler:
    """Cuts patches out of sets of scenes.

    Args:
        sets: scenes and the share of the patches that come from them (shares need not add up to one).
        sources: names of the sources.
        patch: side of the patches in pixels; no scene is smaller.
        recipe: what the patches meet.
        seed: of every draw.
    """

    def __init__(
        self,
        sets: Sequence[tuple[Scenes, float]],
        sources: Sequence[str],
        patch: int,
        recipe: AugmentRecipe,
        seed: int,
    ) -> None:
        self.sets = [scenes for scenes, _ in sets]
        self.sources, self.patch, self.recipe, self.seed = tuple(sources), patch, recipe, seed
        shares = np.cumsum([share for _, share in sets])
        self._limits = shares / shares[-1]

    def batch(self, step: int, numbers: range) -> tuple[Patches, Patches]:
        """The patches `numbers` of the global batch of a step.

        Returns:
            What the network sees, and what the loss compares with (the same without noise).
        """
        pairs = [self.sample(step, number) for number in numbers]
        return np.stack([seen for seen, _ in pairs]), np.stack([target for _, target in pairs])

    def sample(self, step: int, number: int) -> tuple[Patches, Patches]:
        """One patch of a step, as `(n, patch, patch)`: what the network sees, and what the loss compares with."""
        generator = np.random.default_rng((self.seed, step, number))
        which, row, column = generator.random(3)
        scenes = self.sets[int(np.searchsorted(self._limits, generator.random(), side="right"))]
        scene = scenes[int(which * len(scenes))]
        top = int(row * (scene.shape[1] - self.patch + 1))
        left = int(column * (scene.shape[2] - self.patch + 1))
        cut = scene[:, top : top + self.patch, left : left + self.patch]
        cut = flip(cut, self.recipe.flips, generator)
        unit = np.multiply(cut, np.float32(1 / 255), dtype=np.float32)
        return augment(unit, self.sources, self.recipe, generator)


def make_sampler(data: DataRecipe, sources: Sequence[str], seed: int) -> PatchSampler:
    """The sampler of a recipe's data.

    Raises:
        RecipeError: a folder is missing.
        PairingError: folders that share no file.
    """
    cache = SceneCache(data.cache_mb * 2**20)
    total = sum(images.weight for images in data.sets)
    sets: list[tuple[Scenes, float]] = []
    for images in data.sets if data.simulated < 1 else ():
        folders = tuple(Path(data.root) / folder for folder in images.folders)
        scenes = FolderScenes(images.name, folders, cache, data.patch)
        sets.append((scenes, images.weight / total * (1 - data.simulated)))
    if data.simulated > 0:
        sets.append((SimulatedScenes(data.scenes, seed, cache, data.patch), data.simulated))
    return PatchSampler(sets, sources, data.patch, data.augment, seed)
