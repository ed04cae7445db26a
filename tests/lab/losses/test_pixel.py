"""Losses from pixel to pixel against PyTorch and closed forms."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from imfuse.lab.losses.gradient import GradientLoss
from imfuse.lab.losses.intensity import IntensityLoss
from imfuse.lab.losses.pixel import (
    CharbonnierLoss,
    MAELoss,
    MSELoss,
    SmoothL1Loss,
    charbonnier_loss,
    mae_loss,
    smooth_l1_loss,
)


def image(seed: int) -> torch.Tensor:
    return torch.rand(2, 3, 6, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(
    ("ours", "theirs", "options"),
    [
        (MSELoss, nn.MSELoss, {}),
        (MAELoss, nn.L1Loss, {}),
        (SmoothL1Loss, nn.SmoothL1Loss, {"beta": 0.2}),
        (SmoothL1Loss, nn.SmoothL1Loss, {"beta": 0.0}),
    ],
)
def test_they_are_those_of_pytorch(ours, theirs, options, reduction):
    expected = theirs(reduction=reduction, **options)(image(0), image(1))
    torch.testing.assert_close(ours(reduction=reduction, **options)(image(0), image(1)), expected)


def test_smooth_l1_is_a_parabola_that_goes_on_as_a_line():
    difference = torch.tensor([0.0, 0.1, 0.2, 0.5])
    losses = smooth_l1_loss(difference, torch.zeros(4), beta=0.2, reduction="none")
    torch.testing.assert_close(losses, torch.tensor([0.0, 0.025, 0.1, 0.4]))


def test_charbonnier_is_the_long_side_of_a_right_triangle():
    losses = charbonnier_loss(torch.tensor([0.0, 0.4, -1.2]), torch.zeros(3), epsilon=0.3, reduction="none")
    torch.testing.assert_close(losses, torch.tensor([0.3, 0.5, (1.44 + 0.09) ** 0.5]))


@pytest.mark.parametrize("epsilon", [1e-3, 1e-6])
def test_charbonnier_is_the_absolute_error_but_for_epsilon(epsilon):
    excess = CharbonnierLoss(epsilon)(image(0), image(1)) - mae_loss(image(0), image(1))
    assert 0 < excess <= epsilon
    equal = image(0).requires_grad_()
    charbonnier_loss(equal, image(0), epsilon).backward()
    assert (equal.grad == 0).all()


@pytest.mark.parametrize(
    "loss", [MSELoss(), MAELoss(), SmoothL1Loss(), CharbonnierLoss(), GradientLoss(), IntensityLoss()]
)
def test_images_of_unequal_shapes_are_refused_rather_than_repeated(loss):
    with pytest.raises(ValueError, match=r"image \(2, 3, 6, 5\) and target \(2, 1, 6, 5\): expected equal shapes"):
        loss(image(0), image(1)[:, :1])


def test_the_options_show_in_print():
    assert repr(SmoothL1Loss(0.1)) == "SmoothL1Loss(beta=0.1, reduction='mean')"
