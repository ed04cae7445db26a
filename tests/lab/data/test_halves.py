"""Halves of a training set: disjoint, complete, and drawn from independently."""

from __future__ import annotations

import numpy as np
import pytest

from imfuse.errors import RecipeError
from imfuse.lab.data.data_recipe import AugmentRecipe
from imfuse.lab.data.halves import HalfOfScenes, half_of
from imfuse.lab.data.patches import PatchSampler


class Scenes(list):
    """Scenes in memory, each of one grey."""

    name = "memory"


def grey_scenes(count: int, first: int = 0) -> Scenes:
    return Scenes(np.full((2, 20, 20), grey, np.uint8) for grey in range(first, first + count))


def greys(sampler: PatchSampler) -> set[int]:
    patches, _ = sampler.batch(0, range(200))
    return {round(float(patch.max()) * 255) for patch in patches}


@pytest.mark.parametrize("count", [2, 3, 8, 9])
def test_both_halves_together_are_the_whole_and_share_no_scene(count: int):
    scenes = grey_scenes(count)
    training, validation = (HalfOfScenes(scenes, half) for half in ("training", "validation"))
    numbers = [[int(half[i].max()) for i in range(len(half))] for half in (training, validation)]
    assert sorted([*numbers[0], *numbers[1]]) == list(range(count))
    assert 0 <= len(numbers[0]) - len(numbers[1]) <= 1


def test_samplers_of_the_halves_draw_from_every_set_and_meet_in_no_scene():
    whole = PatchSampler([(grey_scenes(4), 1.0), (grey_scenes(4, 100), 3.0)], ("a", "b"), 8, AugmentRecipe(), 5)
    training, validation = half_of(whole, "training"), half_of(whole, "validation")
    assert greys(training) == {0, 2, 100, 102}
    assert greys(validation) == {1, 3, 101, 103}
    assert training.seed != validation.seed


def test_a_set_of_one_scene_cannot_be_halved():
    with pytest.raises(RecipeError, match="'memory': 1 scene, and a search needs at least two"):
        half_of(PatchSampler([(grey_scenes(1), 1.0)], ("a", "b"), 8, AugmentRecipe(), 0), "training")
