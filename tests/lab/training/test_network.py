"""The network of a recipe: tried at once, refused with the field and what is allowed."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from imfuse.errors import RecipeError
from imfuse.lab.models import MODELS
from imfuse.lab.training.export import export_run
from imfuse.lab.training.loop import train
from imfuse.lab.training.network import recipe_network
from imfuse.lab.training.recipe import ModelRecipe
from imfuse.lab.training.recipe_files import save_recipe


def with_options(recipe, **options):
    return replace(recipe, model=ModelRecipe("learned_pyramid", options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": 1}, r"model\.options: learned_pyramid with \{'levels': 1\}.* cannot be built .*levels from 2 up"),
        ({"levels": -1}, r"cannot be built .*levels from 2 up"),
        ({"width": -3}, r"model\.options.*'width': -3.* cannot be built .*width from 1 up"),
        ({"width": 0}, r"model\.options.*'width': 0.* layers without weights .*width from 1 up"),
        ({"width": 4.5}, r"cannot be built .*width from 1 up"),
        ({"gain_limit": 0}, r"model\.options.*'gain_limit': 0.* cannot be built .*gain_limit above 0"),
        ({"gain_limit": float("inf")}, r"model\.options.*not finite.*gain_limit above 0 and finite"),
        ({"levels": 9}, r"data\.patch: 32; .*'levels': 9.* needs a multiple of 512"),
        ({"lavels": 3}, r"model\.options: .*lavels"),
    ],
)
def test_options_that_make_no_network_are_refused(recipe, tmp_path, options, message):
    with pytest.raises(RecipeError, match=message):
        train(with_options(recipe, **options), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_training_keeps_the_weights_and_statistics_of_joins_that_normalise(recipe, tmp_path):
    train(with_options(recipe, levels=3, width=4, fuse="iaff"), tmp_path / "run")
    weights = load_file(tmp_path / "run" / "weights.safetensors")
    for attention in ("first", "second"):
        norm = f"context.joins.0.{attention}.at_large.1"
        assert weights[f"{norm}.num_batches_tracked"] == recipe.optimiser.steps
        assert weights[f"{norm}.running_mean"].abs().max() > 0
    last = "context.joins.0.first.at_positions.3.weight", "context.joins.0.second.at_positions.3.weight"
    assert not torch.equal(*(weights[name] for name in last))


def test_three_sources_need_a_symmetric_network(recipe):
    third = replace(recipe, sources=("infrared", "visible", "depth"))
    with pytest.raises(RecipeError, match=r"sources \('infrared', 'visible', 'depth'\).* cannot fuse 3 .*two sources"):
        recipe_network(with_options(third, levels=3, width=4))
    assert recipe_network(with_options(third, levels=3, width=4, symmetric=True)).training


def test_a_network_that_makes_no_grey_picture_is_refused(recipe, monkeypatch):
    class Colour(nn.Conv2d):
        def __init__(self) -> None:
            super().__init__(2, 3, 1)

        def forward(self, input: Tensor) -> Tensor:  # noqa: A002
            return super().forward(input)

    monkeypatch.setitem(MODELS, "colour", Colour)
    with pytest.raises(RecipeError, match=r"makes \(1, 3, 1, 1\) of 2 sources, not \(1, 1, 1, 1\)"):
        recipe_network(replace(recipe, model=ModelRecipe("colour")))


def test_a_network_that_makes_several_pictures_in_evaluation_is_refused(recipe, monkeypatch):
    class Several(nn.Conv2d):
        def __init__(self) -> None:
            super().__init__(2, 1, 1)

        def forward(self, input: Tensor) -> tuple[Tensor, ...]:  # noqa: A002
            return super().forward(input), input

    monkeypatch.setitem(MODELS, "several", Several)
    with pytest.raises(RecipeError, match="makes tuple in evaluation, not the fused image alone"):
        recipe_network(replace(recipe, model=ModelRecipe("several")))


def test_the_trial_draws_nothing_so_that_the_weights_stay_those_of_the_seed(recipe):
    from imfuse.lab.models import build_model

    torch.manual_seed(3)
    plain, after = build_model("learned_pyramid", **recipe.model.options), torch.rand(3)
    torch.manual_seed(3)
    tried, after_trial = recipe_network(recipe), torch.rand(3)
    assert torch.equal(after, after_trial)
    for name, value in plain.state_dict().items():
        assert torch.equal(tried.state_dict()[name], value)


def test_an_export_refuses_what_a_training_refuses(recipe, tmp_path):
    save_recipe(with_options(recipe, levels=1), tmp_path / "recipe.yaml")
    with pytest.raises(RecipeError, match=r"model\.options.*levels from 2 up"):
        export_run(tmp_path, tmp_path / "model")
