"""Losses on maps of classes against PyTorch, torchvision and plain loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torchvision.ops import sigmoid_focal_loss

from imfuse.lab.losses.segmentation import (
    CrossEntropyLoss,
    DiceLoss,
    FocalLoss,
    WeightedCrossEntropyLoss,
    border_weights,
    cross_entropy_loss,
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


@pytest.mark.parametrize("gamma", [0.0, 0.3, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_focal_loss_of_sure_logits_is_finite_whatever_gamma(gamma, dtype):
    logits = torch.tensor([-1e4, -200.0, -90.0, -40.0, 0.0, 20.0, 40.0, 200.0, 1e4], dtype=dtype, requires_grad=True)
    for target in (0.0, 1.0):
        losses = focal_loss(logits, torch.full_like(logits, target), gamma, reduction="none")
        (gradient,) = torch.autograd.grad(losses.sum(), logits)
        assert torch.isfinite(losses).all()
        assert torch.isfinite(gradient).all()
        assert (gradient * (1 - 2 * target) >= 0).all()
        assert losses[0 if target == 0 else -1] == 0


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0])
def test_the_gradient_of_focal_loss_is_that_of_its_value_for_small_gamma(logits, targets, gamma):
    assert torch.autograd.gradcheck(lambda x: focal_loss(x, targets, gamma), logits.requires_grad_())


def test_dice_without_smoothing_is_finite_where_nothing_is_there_and_nothing_seen():
    logits = torch.full((1, 1, 4, 4), -1e4, requires_grad=True)
    loss = dice_loss(logits, torch.zeros(1, 1, 4, 4), smooth=0)
    loss.backward()
    assert loss.item() == 1
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_plain_cross_entropy_is_that_of_pytorch(logits, labels, reduction):
    expected = F.cross_entropy(logits, labels, ignore_index=255, reduction=reduction)
    torch.testing.assert_close(cross_entropy_loss(logits, labels, reduction=reduction), expected)
    torch.testing.assert_close(CrossEntropyLoss(reduction=reduction)(logits, labels), expected)


def test_the_modules_are_the_functions(logits, labels, targets):
    pixels = torch.rand(2, 6, 5)
    ours = WeightedCrossEntropyLoss([1.0, 2.0, 3.0], reduction="sum")(logits, labels, pixel_weights=pixels)
    expected = weighted_cross_entropy_loss(
        logits, labels, class_weights=[1.0, 2.0, 3.0], pixel_weights=pixels, reduction="sum"
    )
    torch.testing.assert_close(ours, expected)
    assert ours.dtype == logits.dtype
    torch.testing.assert_close(FocalLoss(1.0, 0.5, "sum")(logits, targets), focal_loss(logits, targets, 1, 0.5, "sum"))
    torch.testing.assert_close(DiceLoss(2.0, "none")(logits, targets), dice_loss(logits, targets, 2.0, "none"))


def test_weights_for_other_classes_than_there_are_are_refused(logits, labels):
    with pytest.raises(ValueError, match="class_weights: 2, expected one for each of 3 classes"):
        weighted_cross_entropy_loss(logits, labels, class_weights=[1.0, 2.0])


@pytest.mark.parametrize("size", [0.0, 1e4, -1e4])
@pytest.mark.parametrize("shape", [(2, 3, 1, 1), (1, 3, 1, 5), (1, 3, 5, 1)])
def test_cross_entropy_of_sure_and_thin_maps_is_finite(size, shape):
    logits = torch.zeros(shape)
    logits[:, 0] = size
    logits.requires_grad_()
    for label in (0, 1, 255):
        labels = torch.full((shape[0], *shape[2:]), label)
        loss = weighted_cross_entropy_loss(logits, labels, class_weights=[1.0, 0.0, 2.0])
        (gradient,) = torch.autograd.grad(loss, logits)
        assert torch.isfinite(loss)
        assert torch.isfinite(gradient).all()


def test_they_compile_whole_and_stay_finite_in_half_precision(logits, labels, targets):
    for loss, truth in ((focal_loss, targets), (dice_loss, targets), (weighted_cross_entropy_loss, labels)):
        compiled = torch.compile(loss, backend="aot_eager", fullgraph=True)
        expected = loss(logits, truth)
        torch.testing.assert_close(compiled(logits, truth), expected)
        half = loss(logits.bfloat16(), truth if truth is labels else truth.bfloat16())
        assert half.dtype == torch.bfloat16
        torch.testing.assert_close(half.double(), expected, rtol=0.05, atol=0)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            torch.testing.assert_close(loss(logits.float(), truth).double(), expected, rtol=0.05, atol=0)


def test_large_maps_in_half_precision_stay_in_its_range():
    """Of 512 x 512 pixels not even the number fits into float16."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(1, 1, 512, 512, generator=generator)
    masks = (torch.rand(1, 1, 512, 512, generator=generator) < 0.3).float()
    both, numbers = torch.cat([logits, -logits], dim=1), masks[:, 0].long()
    for loss, maps, wanted in ((dice_loss, logits, masks), (weighted_cross_entropy_loss, both, numbers)):
        short = maps.half().requires_grad_()
        value = loss(short, wanted)
        value.backward()
        assert value.dtype == torch.float16
        assert value.item() == pytest.approx(loss(maps, wanted).item(), rel=2e-3)
        assert torch.isfinite(short.grad).all()


def test_masks_of_another_number_of_channels_are_refused(logits):
    with pytest.raises(ValueError, match=r"logits .* and targets .*: expected equal shapes"):
        dice_loss(logits, torch.zeros_like(logits[:, :1]))
