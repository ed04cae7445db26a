"""Skeletons against scikit-image's, clDice by properties, and a segmentation that learns to close gaps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage.draw import line as drawn_line
from skimage.morphology import skeletonize

from imfuse.lab.losses.centerline_dice import ClDiceLoss, cldice_loss, soft_skeleton
from imfuse.lab.losses.segmentation import dice_loss


def image(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def bar(width: int, size: int = 32) -> torch.Tensor:
    target = torch.zeros(1, 1, size, size)
    first = (size - width) // 2
    target[..., first : first + width, :] = 1
    return target


def sure(found: torch.Tensor) -> torch.Tensor:
    return 40 * found - 20


def strokes(thickness: int) -> np.ndarray:
    """Three strokes in different directions that meet."""
    picture = np.zeros((48, 48), bool)
    for start, end in (((6, 6), (40, 30)), ((24, 19), (8, 40)), ((30, 23), (42, 8))):
        picture[drawn_line(*start, *end)] = True
    return ndimage.binary_dilation(picture, iterations=thickness) if thickness else picture


def tensor(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(picture).float()[None, None]


def test_thin_lines_are_their_own_skeleton_as_for_scikit_image():
    thin = skeletonize(strokes(0))
    for picture in (thin, bar(1)[0, 0].numpy() > 0):
        assert np.array_equal(skeletonize(picture), picture)
        torch.testing.assert_close(soft_skeleton(tensor(picture), 5), tensor(picture))


@pytest.mark.parametrize("thickness", [1, 2, 3])
def test_the_skeleton_of_strokes_lies_along_that_of_scikit_image(thickness):
    picture = strokes(thickness)
    ours = soft_skeleton(tensor(picture), 8)[0, 0].numpy() > 0.5
    theirs = skeletonize(picture)
    assert not (ours & ~picture).any()
    assert ours.sum() < 0.5 * picture.sum()
    far_from = ndimage.distance_transform_edt
    assert far_from(~theirs)[ours].max() <= 2
    assert far_from(~theirs)[ours].mean() < 0.5
    assert far_from(~ours)[theirs].max() <= 2
    assert far_from(~ours)[theirs].mean() < 0.5


@pytest.mark.parametrize("width", [1, 3, 5, 7])
def test_the_skeleton_of_a_bar_is_its_middle_if_there_are_iterations_enough(width):
    middle = torch.zeros(32)
    middle[(32 - width) // 2 + width // 2] = 1
    skeleton = soft_skeleton(bar(width), width // 2)
    torch.testing.assert_close(skeleton[0, 0, :, 16], middle)
    if width > 1:
        assert soft_skeleton(bar(width), width // 2 - 1)[0, 0, :, 16].sum() == 0


def test_a_break_costs_more_than_as_many_pixels_at_the_rim():
    target = bar(5)
    broken, thinner = target.clone(), target.clone()
    broken[..., 14:20] = 0
    thinner[..., 13, :30] = 0
    assert broken.sum() == thinner.sum()
    torch.testing.assert_close(dice_loss(sure(broken), target), dice_loss(sure(thinner), target))
    gap, rim = (cldice_loss(sure(found), target, alpha=1.0).item() for found in (broken, thinner))
    assert gap > 0.05
    assert gap > 5 * rim


def test_a_gap_costs_as_much_in_a_thick_bar_and_a_false_branch_costs():
    costs = []
    for width in (1, 3, 7):
        broken = bar(width)
        broken[..., 12:20] = 0
        costs.append(cldice_loss(sure(broken), bar(width), alpha=1.0, smooth=1e-3).item())
    assert max(costs) - min(costs) < 0.4 * max(costs)
    branched = bar(3)
    branched[..., :14, 16] = 1
    assert cldice_loss(sure(branched), bar(3), alpha=1.0) > 0.05


def test_it_is_the_formula_of_the_paper_on_binary_maps():
    found, target = tensor(strokes(1)), tensor(np.roll(strokes(1), 1, axis=0))
    of_found, of_target = soft_skeleton(found, 5), soft_skeleton(target, 5)
    precision, sensitivity = (of_found * target).sum() / of_found.sum(), (of_target * found).sum() / of_target.sum()
    expected = 1 - 2 * precision * sensitivity / (precision + sensitivity)
    ours = cldice_loss(100 * sure(found), target, iterations=5, alpha=1.0, smooth=1e-6)
    torch.testing.assert_close(ours, expected)
    mixed = cldice_loss(sure(found), target, iterations=5, alpha=0.3)
    parts = cldice_loss(sure(found), target, iterations=5, alpha=1.0), dice_loss(sure(found), target)
    torch.testing.assert_close(mixed, 0.3 * parts[0] + 0.7 * parts[1])


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (6, 6)])
@pytest.mark.parametrize("logit", [-100.0, 0.0, 100.0])
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_sure_and_thin_maps_have_finite_values_and_gradients(size, logit, target):
    logits = torch.full((1, 1, *size), logit, requires_grad=True)
    loss = cldice_loss(logits, torch.full_like(logits, target))
    loss.backward()
    assert 0 <= loss <= 1
    assert torch.isfinite(logits.grad).all()
    if abs(logit) == 100 and (logit > 0) == (target > 0):
        assert loss.item() == pytest.approx(0, abs=1e-6)


def test_the_gradient_is_that_of_the_value():
    logits, targets = image(2, 1, 5, 4).requires_grad_(), image(2, 1, 5, 4, seed=1).round()
    assert torch.autograd.gradcheck(lambda x: cldice_loss(x, targets, iterations=2), logits)


def test_reductions_agree_and_the_module_is_the_function():
    logits, targets = 4 * image(3, 2, 6, 6) - 2, image(3, 2, 6, 6, seed=1).round()
    each = cldice_loss(logits, targets, iterations=3, reduction="none")
    assert each.shape == (3, 2)
    torch.testing.assert_close(ClDiceLoss(iterations=3)(logits, targets), each.mean())
    torch.testing.assert_close(ClDiceLoss(iterations=3, reduction="sum")(logits, targets), each.sum())
    with pytest.raises(ValueError, match="expected 0 or more"):
        soft_skeleton(targets, -1)
    with pytest.raises(ValueError, match="expected mean, sum or none"):
        cldice_loss(logits, targets, reduction="median")


def test_it_compiles_whole_and_works_in_half_precision():
    loss, logits, targets = ClDiceLoss(iterations=2), 4 * image(1, 1, 16, 16).float() - 2, bar(3, 16)
    compiled = torch.compile(loss, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(logits, targets), loss(logits, targets))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = loss(logits.bfloat16(), targets.bfloat16())
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), loss(logits, targets), rtol=0.02, atol=0)


def test_centreline_dice_alone_closes_a_gap():
    target = bar(3, 16)
    broken = target.clone()
    broken[..., 6:10] = 0
    logits = sure(broken).mul(0.1).requires_grad_()
    optimiser = torch.optim.Adam([logits], 0.2)
    for _ in range(60):
        optimiser.zero_grad()
        cldice_loss(logits, target, iterations=3, alpha=1.0).backward()
        optimiser.step()
    assert (logits[0, 0, 7] > 0).all()
    pieces = [ndimage.label(found[0, 0].numpy())[1] for found in (broken, logits.detach() > 0)]
    assert pieces == [2, 1]
