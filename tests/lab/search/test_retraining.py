"""Trainings that follow from a search: of candidates, and of the winner with its changes."""

from __future__ import annotations

import pytest

from imfuse.errors import RecipeError
from imfuse.lab.nn.genotype import Genotype
from imfuse.lab.nn.haf_genotype import HAFGenotype
from imfuse.lab.search.haf_space import HAFSpace
from imfuse.lab.search.retraining import candidate, genotype_of, retraining, space_of
from imfuse.lab.training.recipe_files import read_recipe, save_recipe

GENOTYPE = Genotype.parse("x1 w4 blend csc(conv_3)")


def test_a_candidate_is_trained_as_the_search_trains(tiny):
    recipe = candidate(tiny, GENOTYPE)
    assert (recipe.name, recipe.task, recipe.sources) == (tiny.name, tiny.task, tiny.sources)
    assert (recipe.data, recipe.optimiser, recipe.objective, recipe.seed) == (
        tiny.data,
        tiny.optimiser,
        tiny.objective,
        tiny.seed,
    )
    assert str(recipe.model) == "searched(genotype='x1 w4 blend csc(conv_3)')"


def test_the_winner_is_trained_with_the_changes_and_the_rest_stays(tiny, change, tmp_path):
    training = {"optimiser": {"steps": 9}, "data": {"augment": {"haze": 0.5}}, "objective": {"ssim": 2.0}, "name": "x"}
    recipe = retraining(change(tiny, training=training), GENOTYPE)
    assert (recipe.optimiser.steps, recipe.optimiser.learning_rate) == (9, tiny.optimiser.learning_rate)
    assert (recipe.data.augment.haze, recipe.data.augment.flips, recipe.data.sets) == (0.5, 0.5, tiny.data.sets)
    assert (recipe.name, recipe.objective) == ("x", {"ssim": 2.0})  # the objective as a whole, not term by term
    save_recipe(recipe, tmp_path / "recipe.yaml")
    assert read_recipe(tmp_path / "recipe.yaml") == recipe


def test_changes_that_make_no_recipe_are_refused_with_their_field(tiny, change):
    with pytest.raises(RecipeError, match=r"field data\.augment\.haze: 2"):
        retraining(change(tiny, training={"data": {"augment": {"haze": 2}}}), GENOTYPE)
    with pytest.raises(RecipeError, match=r"search 'tiny', field training: .*objective\.ssim: 'much'"):
        retraining(change(tiny, training={"objective": {"ssim": "much"}}), GENOTYPE)


def test_texts_are_of_the_kind_of_the_search(tiny, change):
    haf = HAFSpace()
    text = "w48 ffm csc(res_3) target csc(dil_3) detail"
    assert genotype_of(tiny, str(GENOTYPE)) == GENOTYPE
    assert genotype_of(change(tiny, haf=haf), text) == HAFGenotype.parse(text)
    assert (space_of(tiny), space_of(change(tiny, haf=haf))) == (tiny.space, haf)
    assert candidate(tiny, HAFGenotype.parse(text)).model.name == "haf"
