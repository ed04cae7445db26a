"""The objective of a recipe: tried before the training, scheduled in it, its terms named when they fail."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor, nn

from imfuse.errors import RecipeError
from imfuse.lab.training.checkpoint import load_tensors
from imfuse.lab.training.loop import Outcome, train
from imfuse.lab.training.recipe_objective import recipe_objective


class Images(NamedTuple):
    fused: Tensor
    edges: Tensor


class TwoImages(nn.Module):
    """Makes the fused image, and in training another one, with statistics over the batch and a dropout."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Conv2d(2, 4, 1), nn.BatchNorm2d(4), nn.PReLU(), nn.Dropout(0.2))
        self.fused, self.edges = nn.Conv2d(4, 1, 1), nn.Conv2d(4, 1, 3, padding=1)

    def forward(self, sources: Tensor) -> Tensor | Images:
        features = self.body(sources)
        return Images(self.fused(features), self.edges(features)) if self.training else self.fused(features)


@pytest.fixture
def two_images(recipe):
    """A recipe with a term of each image."""
    edges = {"weight": 0.5, "loss": "gradient", "image": "edges", "target": 1}
    return replace(recipe, objective={"mae": 1.0, "edges": edges}, log_every=1)


def test_a_network_of_several_images_learns_each_by_its_terms(two_images, tmp_path):
    longer = replace(two_images, optimiser=replace(two_images.optimiser, steps=60))
    train(longer, tmp_path, network=TwoImages())
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    for name in ("mae", "edges"):
        values = [event.value for event in events.Scalars(f"loss/{name}")]
        assert sum(values[-15:]) < 0.8 * sum(values[:15])
    assert [event.step for event in events.Images("example")]
    first, last = TwoImages().state_dict(), load_tensors(tmp_path / "weights.safetensors")[0]
    assert all((first[name] != last[name]).any() for name in ("fused.weight", "edges.weight"))


def test_it_goes_on_to_the_bit_where_it_was_stopped(two_images, tmp_path):
    objective, calls = recipe_objective(two_images, TwoImages()), []

    def failing(images, sources):
        calls.append(1)
        if len(calls) > 6:
            raise KeyboardInterrupt
        return objective(images, sources)

    with pytest.raises(KeyboardInterrupt):
        train(two_images, tmp_path / "stopped", network=TwoImages(), objective=failing)
    assert train(two_images, tmp_path / "stopped", network=TwoImages()) == Outcome(4, 12, finished=True)
    train(two_images, tmp_path / "whole", network=TwoImages())
    stopped, whole = ((tmp_path / name / "weights.safetensors").read_bytes() for name in ("stopped", "whole"))
    assert stopped == whole


def test_the_objective_is_tried_on_what_the_network_makes(two_images, tmp_path):
    wrong = replace(two_images, objective={"mae": {"weight": 1.0, "image": "target"}})
    with pytest.raises(RecipeError, match=r"field objective\.mae: .*no image 'target'; the network makes fused, edges"):
        train(wrong, tmp_path / "run", network=TwoImages())
    assert not (tmp_path / "run").exists()
    with pytest.raises(RecipeError, match=r"field objective\.edges: .*no image 'edges'; the network makes fused\)"):
        train(two_images, tmp_path / "run")


def test_the_trial_leaves_the_network_and_the_draws_as_they_are(two_images):
    network = TwoImages()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    recipe_objective(two_images, network.eval())
    assert torch.equal(torch.rand(3), expected)
    assert not network.training
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize(
    ("made", "message"),
    [(lambda x: (x, x), "makes tuple in training"), (lambda x: x @ x[0, 0, :3], "cannot be trained")],
)
def test_what_is_no_image_is_refused(recipe, made, message):
    class Wrong(nn.Conv2d):
        def forward(self, input: Tensor) -> Tensor:  # noqa: A002
            return made(super().forward(input))

    with pytest.raises(RecipeError, match=message):
        recipe_objective(recipe, Wrong(2, 1, 1))


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


def test_metrics_as_losses_are_tried_on_what_an_untrained_network_makes_beyond_black_and_white(recipe):
    class Beyond(nn.Module):
        def forward(self, sources: torch.Tensor) -> torch.Tensor:
            return sources[:, :1] - 0.3

    objective = recipe_objective(replace(recipe, objective={"ssim": 1.0}), Beyond())
    assert list(objective.losses) == ["ssim"]
