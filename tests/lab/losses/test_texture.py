"""Texture loss: Gram matrices by loops, indifference to places, and noise that learns a texture."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from imfuse.lab.losses.texture import TextureLoss, gram_matrix, texture_loss
from imfuse.lab.nn.vgg_names import vgg_layer

LAYERS = ["1", "4"]


def image(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(8, 12, 3, padding=1), nn.ReLU()
    )


def test_gram_and_loss_are_those_of_plain_loops():
    features, targets = image(2, 3, 4, 5), image(2, 3, 4, 5, seed=1)
    matrices = []
    for maps in (features, targets):
        matrix = torch.zeros(2, 3, 3, dtype=torch.double)
        for n in range(2):
            for i in range(3):
                for j in range(3):
                    matrix[n, i, j] = sum(
                        maps[n, i].flatten()[k] * maps[n, j].flatten()[k] for k in range(maps[n, i].numel())
                    )
        torch.testing.assert_close(gram_matrix(maps), matrix)
        matrices.append(matrix)
    expected = (matrices[0] - matrices[1]).square().sum((1, 2)) / (4 * 3**2 * 20**2)
    torch.testing.assert_close(texture_loss([features], [targets], reduction="none"), expected)
    torch.testing.assert_close(texture_loss([features], [targets], [3.0]), 3 * expected.mean())


def test_places_do_not_count_but_what_is_together_does():
    features = image(1, 4, 6, 6)
    moved = features.flatten(2)[..., torch.randperm(36, generator=torch.Generator().manual_seed(0))].view(1, 4, 6, 6)
    assert texture_loss([features], [moved]).item() == pytest.approx(0, abs=1e-12)
    parted = features.clone()
    parted[:, 0] = features[:, 0].flip(-1)
    assert texture_loss([features], [parted]) > 1e-6


def test_a_texture_may_be_of_another_size_and_one_for_all():
    features = image(3, 4, 6, 6)
    tile = image(1, 4, 3, 3, seed=1)
    assert texture_loss([tile.repeat(1, 1, 2, 2)], [tile]).item() == pytest.approx(0, abs=1e-12)
    each = texture_loss([features], [tile], reduction="none")
    torch.testing.assert_close(each, texture_loss([features], [tile.repeat(3, 1, 2, 2)], reduction="none"))
    for other in (image(1, 5, 6, 6), image(2, 4, 6, 6)):
        with pytest.raises(ValueError, match="equal numbers of maps"):
            texture_loss([features], [other])


def test_by_default_the_first_rectifiers_of_the_blocks_of_vgg():
    loss = TextureLoss("vgg16", network_weights="random")
    assert loss.layers == tuple(vgg_layer("vgg16", f"relu{block}_1") for block in range(1, 6))


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (6, 6)])
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_constant_and_thin_images_have_finite_values_and_gradients(network, size, level):
    picture = torch.full((1, 1, *size), level, requires_grad=True)
    loss = TextureLoss(network, LAYERS)
    value = loss(picture, picture.detach()) + loss(picture, torch.ones(1, 1, 5, 5))
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(picture.grad).all()


def test_the_gradient_is_that_of_the_value(network):
    loss, texture = TextureLoss(network, LAYERS).double(), image(1, 1, 6, 5, seed=1)
    assert torch.autograd.gradcheck(lambda x: loss(x, texture), image(2, 1, 4, 4).requires_grad_())


def test_it_compiles_whole_and_sums_in_full_precision(network):
    loss = TextureLoss(network, LAYERS)
    picture, texture = image(1, 1, 8, 8).float(), image(1, 1, 8, 8, seed=1).float()
    compiled = torch.compile(loss, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(picture, texture), loss(picture, texture))
    ones = torch.ones(1, 2, 300, 300, dtype=torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(gram_matrix(ones), torch.full((1, 2, 2), 90_000.0))
        assert torch.isfinite(loss(picture.bfloat16(), texture.bfloat16()))
    assert texture_loss([ones], [0 * ones]).dtype == torch.bfloat16


def test_noise_learns_the_texture_of_stripes(network):
    loss = TextureLoss(network, LAYERS)
    stripes = (torch.arange(24) // 3 % 2).float().expand(1, 1, 24, 24).contiguous()
    picture = image(1, 1, 24, 24).float().requires_grad_()
    optimiser = torch.optim.Adam([picture], 0.03)
    across = lambda x: x.diff(dim=3).abs().mean() / x.diff(dim=2).abs().mean()  # noqa: E731
    before, even = loss(picture, stripes).item(), across(picture).item()
    for _ in range(150):
        optimiser.zero_grad()
        loss(picture, stripes).backward()
        optimiser.step()
    assert loss(picture, stripes).item() < 0.03 * before
    assert across(picture).item() > 1.5 * even  # noise that is turned into stripes changes across them
