"""Losses on gradients against SciPy, NumPy and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from imfuse.lab.losses.gradient import (
    EdgePreservingLoss,
    GradientLoss,
    JointGradientLoss,
    edge_preserving_loss,
    gradient_loss,
    joint_gradient_loss,
    max_gradient_loss,
)
from imfuse.lab.losses.pixel import mae_loss
from imfuse.lab.nn.gradients import image_gradient

OPERATORS = ("sobel", "laplacian4", "laplacian8", "forward")
NORMS = ("l1", "l2")


def image(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


@pytest.mark.parametrize("norm", NORMS)
def test_the_gradient_loss_is_that_of_scipys_sobel(norm):
    first, second = image(1, 3, 7, 6), image(1, 3, 7, 6, seed=1)
    edges = [
        np.stack([ndimage.sobel(channel, axis, mode="nearest") for channel in picture[0].numpy() for axis in (0, 1)])
        for picture in (first, second)
    ]
    distance = np.abs(edges[0] - edges[1]) ** {"l1": 1, "l2": 2}[norm]
    assert gradient_loss(first, second, norm=norm).item() == pytest.approx(distance.sum() / 42)


@pytest.mark.parametrize(("operator", "share"), [("laplacian4", 1), ("laplacian8", 3 / 8)])
def test_a_wave_that_its_borders_mirror_costs_the_square_of_its_curvature(operator, share):
    wave = torch.cos(torch.pi * (torch.arange(64) + 0.5) / 8).double().expand(1, 1, 64, 64)
    curvature = share * (2 - 2 * np.cos(np.pi / 8))
    loss = gradient_loss(wave, torch.zeros_like(wave), operator)
    assert loss.item() == pytest.approx(curvature**2 / 2)  # the mean square of a cosine is a half


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("norm", NORMS)
def test_a_shift_of_brightness_costs_nothing_and_scale_by_its_power(operator, norm):
    first, second = image(2, 1, 7, 6), image(2, 1, 7, 6, seed=1)
    loss = GradientLoss(operator, norm)
    assert loss(first + 0.1, first).item() == pytest.approx(0, abs=1e-12)
    power = {"l1": 2, "l2": 4}[norm]
    torch.testing.assert_close(loss(2 * first, 2 * second), power * loss(first, second))


@pytest.mark.parametrize("operator", OPERATORS)
def test_each_component_is_wanted_from_the_source_that_has_it_strongest(operator):
    fused, sources = image(1, 1, 5, 4), image(1, 2, 5, 4, seed=1) - 0.5
    of_fused, of_sources = image_gradient(fused, operator)[0, 0], image_gradient(sources, operator)[0]
    distance = [
        abs(of_fused[place] - max((source[place] for source in of_sources), key=abs)).item()
        for place in np.ndindex(tuple(of_fused.shape))
    ]
    assert joint_gradient_loss(fused, sources, operator).item() == pytest.approx(sum(distance) / 20)
    squares = sum(value**2 for value in distance)
    assert JointGradientLoss(operator, "l2")(fused, sources).item() == pytest.approx(squares / 20)


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_source_beside_fainter_ones_costs_nothing(operator):
    source = image(1, 1, 8, 8)
    sources = torch.cat([0.5 * source, source, 1 - 0.9 * source], dim=1)
    assert joint_gradient_loss(source, sources, operator).item() == pytest.approx(0, abs=1e-12)
    assert max_gradient_loss(source, sources).item() == pytest.approx(0, abs=1e-12)


def test_the_max_gradient_loss_is_the_joint_one_of_forward_differences_by_their_number():
    fused, sources = image(2, 1, 9, 9), image(2, 3, 9, 9, seed=1)
    joint = joint_gradient_loss(fused, sources, "forward", reduction="none")
    torch.testing.assert_close(max_gradient_loss(fused, sources, "none"), joint * 9 / 8)


def test_the_max_gradient_loss_has_the_very_value_that_bundled_recipes_were_trained_by():
    fused, sources = image(3, 1, 9, 12).float(), image(3, 2, 9, 12, seed=1).float()
    terms = []
    for dim in (2, 3):
        differences = sources.diff(dim=dim)
        strongest = torch.take_along_dim(differences, differences.abs().argmax(1, keepdim=True), dim=1)
        terms.append((fused.diff(dim=dim) - strongest).abs().mean())
    assert torch.equal(max_gradient_loss(fused, sources), terms[0] + terms[1])


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_edge_preserving_loss_is_the_gradient_loss_in_l1(operator):
    first, second = image(2, 3, 7, 6), image(2, 3, 7, 6, seed=1)
    expected = gradient_loss(first, second, operator, "l1")
    torch.testing.assert_close(edge_preserving_loss(first, second, operator), expected)
    torch.testing.assert_close(EdgePreservingLoss(operator, "sum")(first, second), 2 * expected)


def test_a_blurred_edge_costs_more_than_a_constant_offset_of_the_same_mean_error():
    edge = torch.zeros(1, 1, 16, 16)
    edge[..., 8:] = 1
    blurred = torch.nn.functional.avg_pool2d(edge, 5, stride=1, padding=2, count_include_pad=False)
    offset = edge + mae_loss(blurred, edge)
    assert edge_preserving_loss(blurred, edge) > edge_preserving_loss(offset, edge) + 0.1


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("norm", NORMS)
def test_every_choice_has_the_gradient_of_its_value(operator, norm):
    fused, sources = image(1, 1, 4, 5).requires_grad_(), image(1, 2, 4, 5, seed=1)
    assert torch.autograd.gradcheck(lambda x: joint_gradient_loss(x, sources, operator, norm), fused)
    assert torch.autograd.gradcheck(lambda x: gradient_loss(x, sources[:, :1], operator, norm), fused)


@pytest.mark.parametrize("loss", [gradient_loss, joint_gradient_loss])
@pytest.mark.parametrize("options", [{"operator": "prewitt"}, {"norm": "l3"}, {"reduction": "median"}])
def test_what_is_unknown_is_refused(loss, options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} .*: expected "):
        loss(image(1, 1, 4, 4), image(1, 1, 4, 4), **options)
