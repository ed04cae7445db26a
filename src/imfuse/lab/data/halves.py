"""The halves of a training set: scenes to fit weights on, and scenes to judge an architecture on."""

from __future__ import annotations

from typing import Literal

from imfuse.errors import RecipeError
from imfuse.lab.data.patches import PatchSampler
from imfuse.lab.data.stacks import Scene, Scenes

Half = Literal["training", "validation"]
HALVES: tuple[Half, Half] = ("training", "validation")


class HalfOfScenes:
    """Every other scene of a set, from the first on for training and from the second on for validation.

    Args:
        scenes: the whole set.
        half: which scenes.

    Raises:
        RecipeError: the set has one scene only.
    """

    def __init__(self, scenes: Scenes, half: Half) -> None:
        if len(scenes) < 2:
            raise RecipeError(
                f"data set {scenes.name!r}: {len(scenes)} scene, and a search needs at least two, one to fit the "
                "weights and one to judge the architecture; add images to its folders"
            )
        self.name, self.scenes, self.first = scenes.name, scenes, HALVES.index(half)

    def __len__(self) -> int:
        return (len(self.scenes) - self.first + 1) // 2

    def __getitem__(self, index: int) -> Scene:
        return self.scenes[2 * index + self.first]


def half_of(sampler: PatchSampler, half: Half) -> PatchSampler:
    """A sampler that draws from one half of every set; the two halves share no scene, and no draw.

    Raises:
        RecipeError: a set has one scene only.
    """
    seed = 2 * sampler.seed + HALVES.index(half)
    return sampler.of([HalfOfScenes(scenes, half) for scenes in sampler.sets], seed)
