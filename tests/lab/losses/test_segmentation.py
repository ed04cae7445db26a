"""Losses on maps of classes against PyTorch, torchvision and plain loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torchvision.ops import sigmoid_focal_loss

from imfuse.lab.losses.segmentation import (
    DiceLoss,
    FocalLoss,
    border_weights,
    dice_loss,
    focal_loss,
    weighted_cross_entropy_loss,
)


@pytest.fixture
def logits() -> torch.Tensor:
    return torch.randn(2, 3, 6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.double)


@pytest.fixture
def labels() -> torch.Tensor:
    labels = torch.randint(0, 3, (2, 6, 5), generator=torch.Generator().manual_seed(1))
    labels[0, 0] = 255
    return labels


@pytest.fixture
def targets() -> torch.Tensor:
    return (torch.rand(2, 3, 6, 5, generator=torch.Generator().manual_seed(2)) > 0.5).double()


@pytest.mark.parametrize("weights", [None, [1.0, 3.0, 0.5]])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_class_weights_are_those_of_pytorch(logits, labels, weights, reduction):
    tensor = None if weights is None else torch.tensor(weights, dtype=torch.double)
    expected = F.cross_entropy(logits, labels, tensor, ignore_index=255, reduction=reduction)
    ours = weighted_cross_entropy_loss(logits, labels, class_weights=weights, reduction=reduction)
    torch.testing.assert_close(ours, expected)


def test_a_pixel_of_weight_two_counts_twice(logits, labels):
    weights = torch.ones(2, 6, 5, dtype=torch.double)
    weights[1, 2, 3] = 2
    each = weighted_cross_entropy_loss(logits, labels, reduction="none")
    expected = (each.sum() + each[1, 2, 3]) / ((labels != 255).sum() + 1)
    torch.testing.assert_close(weighted_cross_entropy_loss(logits, labels, pixel_weights=weights), expected)


def test_nothing_labelled_costs_nothing(logits):
    logits.requires_grad_()
    loss = weighted_cross_entropy_loss(logits, torch.full((2, 6, 5), 255))
    loss.backward()
    assert loss.item() == 0
    assert torch.isfinite(logits.grad).all()


def test_border_weights_are_those_of_the_formula_pixel_by_pixel():
    instances = np.zeros((9, 12), int)
    instances[2:7, 1:4], instances[2:7, 6:9], instances[0, 11] = 1, 2, 3
    weights = border_weights(instances)
    places = {number: np.argwhere(instances == number) for number in (1, 2, 3)}
    for y in range(9):
        for x in range(12):
            d1, d2, _ = sorted(np.hypot(*(of - (y, x)).T).min() for of in places.values())
            expected = 1 + (10 * np.exp(-((d1 + d2) ** 2) / 50) if instances[y, x] == 0 else 0)
            assert weights[y, x] == pytest.approx(expected, rel=1e-4)
    assert weights[4, 4] > weights[4, 10] > 1


@pytest.mark.parametrize("things", [0, 1])
def test_without_two_things_there_is_no_border_between_them(things):
    instances = np.zeros((4, 4), int)
    instances[1, 1] = things
    assert (border_weights(instances) == 1).all()


@pytest.mark.parametrize("alpha", [0.25, 0.9])
@pytest.mark.parametrize("gamma", [0.0, 2.0])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_focal_loss_is_that_of_torchvision(logits, targets, alpha, gamma, reduction):
    expected = sigmoid_focal_loss(logits, targets, alpha, gamma, reduction)
    torch.testing.assert_close(focal_loss(logits, targets, gamma, alpha, reduction), expected)


def test_focal_loss_without_its_two_weights_is_cross_entropy(logits, targets):
    expected = F.binary_cross_entropy_with_logits(logits, targets)
    torch.testing.assert_close(focal_loss(logits, targets, gamma=0, alpha=None), expected)


def test_dice_is_nothing_for_the_truth_and_all_for_its_contrary():
    truth = torch.zeros(1, 2, 20, 20)
    truth[:, :, 5:15] = 1
    sure = 50 * (2 * truth - 1)
    torch.testing.assert_close(dice_loss(sure, truth, reduction="none"), torch.zeros(1, 2), atol=1e-5, rtol=0)
    assert dice_loss(-sure, truth).item() == pytest.approx(1, abs=0.01)
    assert dice_loss(-50 * torch.ones(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)).item() == pytest.approx(0, abs=1e-6)


def test_dice_is_one_less_the_f1_score_of_hard_masks(targets):
    from torchmetrics.functional.classification import binary_f1_score

    guess = targets.flip(2)
    expected = 1 - binary_f1_score(guess[0, 1], targets[0, 1])
    ours = dice_loss(60 * (2 * guess - 1), targets, smooth=0, reduction="none")[0, 1]
    assert ours.item() == pytest.approx(expected.item(), abs=1e-6)


@pytest.mark.parametrize("size", [0.0, 1e4, -1e4])
def test_sure_networks_have_finite_losses_and_gradients(targets, size):
    for loss in (FocalLoss(), DiceLoss()):
        logits = torch.full((2, 3, 6, 5), size, dtype=torch.double, requires_grad=True)
        loss(logits, targets).backward()
        assert torch.isfinite(logits.grad).all()


def test_the_gradients_are_those_of_the_values(logits, labels, targets):
    logits.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: focal_loss(x, targets), logits)
    assert torch.autograd.gradcheck(lambda x: dice_loss(x, targets), logits)
    assert torch.autograd.gradcheck(
        lambda x: weighted_cross_entropy_loss(x, labels, class_weights=[1.0, 2.0, 3.0]), logits
    )


def test_they_compile_whole(logits, targets):
    for loss in (focal_loss, dice_loss):
        compiled = torch.compile(loss, backend="eager", fullgraph=True)
        torch.testing.assert_close(compiled(logits, targets), loss(logits, targets))
