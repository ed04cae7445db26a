"""Batches of random aligned patches that depend on nothing but (seed, step, number of the patch).

So a resumed training sees what an uninterrupted one would have seen, and several processes, each of which cuts its
own part of the global batch, see together what one process alone would have seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from imfuse.images.image import Stack
from imfuse.lab.data.augment import augment, flip
from imfuse.lab.data.data_recipe import AugmentRecipe, DataRecipe
from imfuse.lab.data.file_checks import check_files
from imfuse.lab.data.simulated import SimulatedScenes
from imfuse.lab.data.stacks import FolderScenes, Scene, SceneCache, Scenes

Patches = NDArray[np.float32]
"""`(b, n, patch, patch)` in [0, 1]."""


SMALLEST_SHARE = 0.75
"""Of each side of a scene, in a patch that shows it whole or nearly so."""


class PatchSampler:
    """Cuts patches out of sets of scenes.

    Args:
        sets: scenes and the share of the patches that come from them (shares need not add up to one).
        sources: names of the sources.
        patch: side of the patches in pixels; no scene is smaller.
        recipe: what the patches meet.
        seed: of every draw.
        whole: share of the patches that show most of a scene, scaled.
    """

    def __init__(
        self,
        sets: Sequence[tuple[Scenes, float]],
        sources: Sequence[str],
        patch: int,
        recipe: AugmentRecipe,
        seed: int,
        *,
        whole: float = 0.0,
    ) -> None:
        self.whole = whole
        self.sets = [scenes for scenes, _ in sets]
        self.sources, self.patch, self.recipe, self.seed = tuple(sources), patch, recipe, seed
        self.shares = [share for _, share in sets]
        sums = np.cumsum(self.shares)
        self._limits = sums / sums[-1]

    def of(self, sets: Sequence[Scenes], seed: int) -> PatchSampler:
        """The same patches of other scenes, one set in place of each, and by another seed."""
        shared = list(zip(sets, self.shares, strict=True))
        return PatchSampler(shared, self.sources, self.patch, self.recipe, seed, whole=self.whole)

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
        cut = self._cut(scene, row, column, generator)
        cut = flip(cut, self.recipe.flips, generator)
        unit = np.multiply(cut, np.float32(1 / 255), dtype=np.float32)
        return augment(unit, self.sources, self.recipe, generator)

    def _cut(self, scene: Scene, row: float, column: float, generator: Generator) -> Scene:
        """A patch at full resolution, or most of the scene scaled to one."""
        height, width = scene.shape[1:]
        if generator.random() >= self.whole:
            top, left = int(row * (height - self.patch + 1)), int(column * (width - self.patch + 1))
            return scene[:, top : top + self.patch, left : left + self.patch]
        share = SMALLEST_SHARE + (1 - SMALLEST_SHARE) * generator.random()
        tall, wide = max(int(share * height), 1), max(int(share * width), 1)
        top, left = int(row * (height - tall + 1)), int(column * (width - wide + 1))
        part = scene[:, top : top + tall, left : left + wide]
        size = (self.patch, self.patch)
        return np.stack([cv2.resize(source, size, interpolation=cv2.INTER_AREA) for source in part])


def make_sampler(data: DataRecipe, sources: Sequence[str], seed: int) -> PatchSampler:
    """The sampler of a recipe's data.

    Raises:
        RecipeError: a folder is missing, or files of a scene differ in size or cannot be read.
        PairingError: folders that share no file.
    """
    cache = SceneCache(data.cache_mb * 2**20)
    total = sum(images.weight for images in data.sets)
    sets: list[tuple[Scenes, float]] = []
    stacks: list[Stack] = []
    for images in data.sets if data.simulated < 1 else ():
        folders = tuple(Path(data.root) / folder for folder in images.folders)
        scenes = FolderScenes(images.name, folders, sources, cache, data.patch)
        stacks += scenes.stacks
        sets.append((scenes, images.weight / total * (1 - data.simulated)))
    check_files(stacks)
    if data.simulated > 0:
        sets.append((SimulatedScenes(data.scenes, seed, cache, data.patch), data.simulated))
    return PatchSampler(sets, sources, data.patch, data.augment, seed, whole=data.whole)


def left_out(sampler: PatchSampler) -> list[str]:
    """A line for each set with files that are not trained on, because they have no partner in every folder."""
    unmatched = [(scenes.name, scenes.unmatched) for scenes in sampler.sets if isinstance(scenes, FolderScenes)]
    return [
        f"data set {name!r}: left out for want of a partner of the same stem: {files[0]}"
        + (f" and {len(files) - 1} more" if len(files) > 1 else "")
        for name, files in unmatched
        if files
    ]
