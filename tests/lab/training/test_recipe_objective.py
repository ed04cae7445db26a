"""The objective of a recipe: tried before the training, scheduled in it, its terms named when they fail."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from imfuse.errors import RecipeError
from imfuse.lab.training.loop import train
from imfuse.lab.training.recipe_objective import recipe_objective


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        ({"sim": 1.0}, r"field objective: no loss 'sim'; did you mean 'ssim'"),
        ({"mae": {"weight": 1.0, "target": 7}}, r"field objective\.mae: .*'target': 7.* there are 2 sources"),
        ({"gradient": {"weight": 1.0, "operator": "prewitt"}}, r"field objective\.gradient: .*'prewitt'.*sobel"),
    ],
)
def test_a_mistake_is_told_before_anything_is_trained(recipe, objective, message, tmp_path):
    with pytest.raises(RecipeError, match=message):
        recipe_objective(replace(recipe, objective=objective))


def test_weights_follow_their_schedule_and_are_logged(recipe, make_network, tmp_path):
    objective = {"mae": {"weight": {"first": 0.0, "last": 3.0, "shape": "step", "end": 0.5}}, "mse": 1.0}
    optimiser = replace(recipe.optimiser, steps=4)
    changed = replace(recipe, objective=objective, optimiser=optimiser, log_every=1)
    train(changed, tmp_path, network=make_network())
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    logged = {name: [event.value for event in events.Scalars(name)] for name in events.Tags()["scalars"]}
    assert logged["training/weight_mae"] == [0, 0, 3, 3]
    assert "training/weight_mse" not in logged
    expected = [
        weight * mae + mse
        for weight, mae, mse in zip((0, 0, 3, 3), logged["loss/mae"], logged["loss/mse"], strict=True)
    ]
    assert logged["loss/total"] == pytest.approx(expected, rel=1e-5)
