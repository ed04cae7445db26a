"""The parts of an update: schedule, decay, checks for non-finite values, moving average."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR

from imfuse.errors import TrainingError
from imfuse.lab.training.optimisation import (
    check_terms,
    clip_gradients,
    learning_rate,
    make_optimiser,
    update_average,
)
from imfuse.lab.training.recipe import OptimiserRecipe


def test_the_cosine_is_that_of_pytorch():
    recipe = OptimiserRecipe(steps=40, learning_rate=0.3, warmup=0)
    scheduler = CosineAnnealingLR(torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.3), T_max=40)
    for step in range(40):
        assert learning_rate(step, recipe) == pytest.approx(scheduler.get_last_lr()[0], abs=1e-9)
        scheduler.optimizer.step()
        scheduler.step()


def test_only_weights_of_more_than_one_dimension_decay():
    optimiser = make_optimiser(nn.Conv2d(2, 3, 3), OptimiserRecipe(weight_decay=0.1))
    assert [(group["weight_decay"], group["params"][0].ndim) for group in optimiser.param_groups] == [(0.1, 4), (0, 1)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_term_that_is_not_finite_is_named_with_its_step(value):
    with pytest.raises(TrainingError, match=r"step 7: the loss term 'ssim'"):
        check_terms({"near": 0.1, "ssim": value}, 7)


def test_a_gradient_that_is_not_finite_is_named_with_its_step():
    layer = nn.Linear(2, 2)
    layer.weight.grad = torch.zeros(2, 2)
    layer.bias.grad = torch.tensor([0.0, math.nan])
    with pytest.raises(TrainingError, match=r"step 3: the gradient of bias"):
        clip_gradients(layer, 1.0, 3)


@pytest.mark.parametrize(("largest", "expected"), [(1.0, 1.0), (0.0, 5.0), (9.0, 5.0)])
def test_gradients_are_clipped_to_the_largest_norm(largest, expected):
    layer = nn.Linear(2, 1, bias=False)
    layer.weight.grad = torch.tensor([[3.0, 4.0]])
    assert clip_gradients(layer, largest, 0) == pytest.approx(5)
    assert float(layer.weight.grad.norm()) == pytest.approx(expected, rel=1e-4)


def test_the_average_follows_the_recursion():
    network, average = nn.Linear(1, 1), nn.Linear(1, 1)
    expected = average.weight.item()
    for step in range(30):
        nn.init.constant_(network.weight, float(step))
        update_average(average, network, 0.9, step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    assert average.weight.item() == pytest.approx(expected, rel=1e-5)


def test_buffers_are_copied_and_no_decay_copies_the_weights():
    network, average = nn.BatchNorm2d(2), nn.BatchNorm2d(2)
    network(torch.rand(2, 2, 4, 4))
    update_average(average, network, 0.0, 5)
    for name, value in network.state_dict().items():
        assert torch.equal(average.state_dict()[name], value)
