"""The patch sampler: aligned, seeded, independent of how the batch is shared, and fair to the weights."""

from __future__ import annotations

import numpy as np
import pytest

from imfuse.errors import RecipeError
from imfuse.lab.data.batches import StepBatches, step_loader
from imfuse.lab.data.data_recipe import AugmentRecipe, DataRecipe, DataSet
from imfuse.lab.data.patches import PatchSampler, make_sampler

EVERYTHING = AugmentRecipe(0.5, 0.5, 0.5, False, 0.5, 0.5, 0.5, 0.5, 0.5)
PLAIN = AugmentRecipe(flips=0)
NAMES = ("infrared", "visible")


class Scenes(list):
    """Scenes in memory."""

    name = "memory"


def coordinates(count: int = 2, height: int = 70, width: int = 90) -> np.ndarray:
    """A scene whose values tell the row (first source) and the column (the others)."""
    rows, columns = np.mgrid[:height, :width].astype(np.uint8)
    return np.stack([rows, *[columns] * (count - 1)])


def sampler(recipe: AugmentRecipe, seed: int = 0, patch: int = 32, count: int = 2) -> PatchSampler:
    generator = np.random.default_rng(9)
    scenes = Scenes(generator.integers(0, 256, (count, 60, 80), dtype=np.uint8) for _ in range(3))
    return PatchSampler([(scenes, 1.0)], NAMES, patch, recipe, seed)


def test_patches_of_all_sources_are_cut_at_the_same_place():
    cut, _ = PatchSampler([(Scenes([coordinates(3)]), 1.0)], ("a", "b", "c"), 16, PLAIN, 0).sample(0, 0)
    rows, columns = np.rint(cut[0] * 255), np.rint(cut[1] * 255)
    assert (np.diff(rows, axis=0) == 1).all()
    assert (np.diff(columns, axis=1) == 1).all()
    assert (cut[1] == cut[2]).all()


def test_patches_reach_every_corner_of_the_scene():
    whole = PatchSampler([(Scenes([coordinates(2, 20, 20)]), 1.0)], NAMES, 18, PLAIN, 0)
    corners = {tuple(np.rint(whole.sample(0, n)[0][:, 0, 0] * 255).astype(int)) for n in range(200)}
    assert corners == {(row, column) for row in range(3) for column in range(3)}


def test_whole_patches_show_most_of_the_scene_in_all_sources_alike():
    whole = PatchSampler([(Scenes([coordinates(3, 240, 200)]), 1.0)], ("a", "b", "c"), 16, PLAIN, 0, whole=1.0)
    for number in range(20):
        cut = np.rint(whole.sample(0, number)[0] * 255)
        assert cut.shape == (3, 16, 16)
        assert np.ptp(cut[0]) > 0.7 * 239 - 15
        assert np.ptp(cut[1]) > 0.7 * 199 - 15
        assert (cut[1] == cut[2]).all()


def test_flips_mirror_all_sources_alike():
    flipped = PatchSampler([(Scenes([coordinates(3)]), 1.0)], ("a", "b", "c"), 16, AugmentRecipe(flips=1), 0)
    cut, _ = flipped.sample(0, 0)
    assert (np.diff(np.rint(cut[0] * 255), axis=0) == -1).all()
    assert (np.diff(np.rint(cut[1] * 255), axis=1) == -1).all()


def test_a_patch_depends_on_seed_step_and_number_alone():
    first, second = sampler(EVERYTHING), sampler(EVERYTHING)
    second.batch(7, range(5))  # what was drawn before does not matter
    for left, right in zip(first.batch(3, range(8)), second.batch(3, range(8)), strict=True):
        assert (left == right).all()
    assert (first.batch(3, range(8))[0] != first.batch(4, range(8))[0]).any()
    assert (first.batch(3, range(8))[0] != sampler(EVERYTHING, seed=1).batch(3, range(8))[0]).any()


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_processes_see_together_what_one_would_see(processes):
    whole = sampler(EVERYTHING).batch(5, range(8))[0]
    parts = [StepBatches(sampler(EVERYTHING), 8, rank, processes)[5].sources for rank in range(processes)]
    assert (np.concatenate([part.numpy() for part in parts]) == whole).all()


def test_a_batch_that_cannot_be_shared_is_refused():
    with pytest.raises(RecipeError, match=r"data.batch: 8 patches .* 3 processes"):
        StepBatches(sampler(PLAIN), 8, 0, 3)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("workers", [0, 2])
def test_loading_beside_the_training_changes_nothing(workers):
    batches = StepBatches(sampler(EVERYTHING), 4)
    for step, batch in zip(range(3, 6), step_loader(batches, range(3, 6), workers), strict=True):
        assert (batch.sources == batches[step].sources).all()


def test_only_noise_sets_the_network_and_the_loss_apart():
    seen, target = sampler(AugmentRecipe(gamma=1, contrast=1, haze=1)).batch(0, range(4))
    assert (seen == target).all()
    seen, target = sampler(AugmentRecipe(noise=1)).batch(0, range(4))
    assert 0.002 < np.abs(seen - target).mean() < 0.05


def test_haze_and_inversion_meet_their_own_source_only():
    plain = sampler(PLAIN).batch(0, range(4))[0]
    hazy = sampler(AugmentRecipe(flips=0, haze=1)).batch(0, range(4))[0]
    inverted = sampler(AugmentRecipe(flips=0, invert_infrared=1)).batch(0, range(4))[0]
    assert (hazy[:, 0] == plain[:, 0]).all()
    assert (hazy[:, 1] != plain[:, 1]).any()
    np.testing.assert_allclose(inverted[:, 0], 1 - plain[:, 0], atol=1e-6)
    assert (inverted[:, 1] == plain[:, 1]).all()


def test_one_camera_gives_all_sources_the_same_gamma():
    scenes = Scenes([np.stack([coordinates()[0]] * 3)])
    together = AugmentRecipe(gamma=1, contrast=1, together=True)
    cut, _ = PatchSampler([(scenes, 1.0)], ("a", "b", "c"), 16, together, 0).sample(0, 0)
    assert (cut[0] == cut[1]).all()
    assert (cut[0] == cut[2]).all()


def test_sets_are_drawn_by_their_weights():
    black, white = (Scenes([np.full((2, 9, 9), value, np.uint8)]) for value in (0, 255))
    patches, _ = PatchSampler([(black, 1.0), (white, 3.0)], NAMES, 8, PLAIN, 0).batch(0, range(2000))
    assert abs(patches[:, 0, 0, 0].mean() - 0.75) < 0.03


def test_half_of_the_patches_are_simulated_where_the_recipe_says_so(shared_data):
    folders = ("RoadScene/train/ir", "RoadScene/train/vis")
    data = DataRecipe(str(shared_data / "infrared"), (DataSet("road", folders),), 64, 4, simulated=0.5, scenes=1)
    mixed = make_sampler(data, NAMES, 0)
    assert [scenes.name for scenes in mixed.sets] == ["road", "simulated"]
    drawn, _ = mixed.batch(0, range(8))
    assert drawn.shape == (8, 2, 64, 64)
    assert drawn.min() >= 0
    assert drawn.max() <= 1
