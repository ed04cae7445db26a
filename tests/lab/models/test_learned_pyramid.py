"""The learned pyramid begins as the classical one and keeps its promises of size, reach and order."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from imfuse.errors import RecipeError
from imfuse.lab.models import build_model
from imfuse.lab.models.learned_pyramid import LearnedPyramid
from imfuse.lab.nn.pyramid import expand, laplacian_pyramid


def awake(**options) -> LearnedPyramid:
    """A network whose heads are no longer zero, so that everything in it has a say."""
    torch.manual_seed(0)
    network = LearnedPyramid(**options)
    for head in network.context.heads:
        nn.init.normal_(head.weight, 0, 0.2)
    return network.eval()


def test_the_pyramid_rebuilds_the_image():
    image = torch.rand(2, 3, 64, 96)
    bands, image_again = laplacian_pyramid(image, 4)
    for band in reversed(bands):
        image_again = expand(image_again) + band
    torch.testing.assert_close(image_again, image)


@pytest.mark.parametrize("symmetric", [False, True])
@torch.no_grad()
def test_equal_sources_come_back_whatever_was_learned(symmetric):
    source = torch.rand(1, 1, 64, 64)
    fused = awake(symmetric=symmetric)(source.expand(-1, 2, -1, -1))
    torch.testing.assert_close(fused, source, atol=1e-4, rtol=0)


def test_the_order_of_symmetric_sources_does_not_matter():
    sources = torch.rand(1, 3, 64, 96)
    network = awake(symmetric=True)
    torch.testing.assert_close(network(sources), network(sources[:, [2, 0, 1]]), atol=1e-5, rtol=0)


@pytest.mark.parametrize("symmetric", [False, True])
@torch.no_grad()
def test_nothing_beyond_the_margin_changes_a_pixel(symmetric):
    network = awake(levels=3, symmetric=symmetric)
    size = 2 * network.margin + 64
    sources = torch.rand(1, 2, size, size)
    changed = sources.clone()
    changed[..., size // 2 : size // 2 + 8, size // 2 : size // 2 + 8] = torch.rand(8, 8)
    moved = (network(sources) - network(changed)).abs()[0, 0] > 1e-6
    rows, columns = torch.nonzero(moved, as_tuple=True)
    assert size // 2 - rows.min() <= network.margin
    assert columns.max() - (size // 2 + 7) <= network.margin


def test_all_weights_learn():
    network = awake()
    network(torch.rand(1, 2, 64, 64)).square().mean().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


def test_a_seed_draws_the_weights_that_the_bundled_networks_began_with():
    torch.manual_seed(0)
    network = LearnedPyramid()
    following = torch.rand(1).item()
    weights = nn.utils.parameters_to_vector(network.parameters()).detach().double()
    assert weights.shape == (286_055,)
    in_order = (weights * torch.arange(len(weights))).sum().item() / len(weights)
    assert in_order == pytest.approx(-8.34565104620057, rel=1e-6)
    assert weights.square().sum().item() == pytest.approx(431.6112083731498, rel=1e-6)
    assert following == pytest.approx(0.2599934935569763, rel=1e-6)


def test_unknown_networks_and_options_are_named():
    with pytest.raises(RecipeError, match="no network 'unet'"):
        build_model("unet")
    with pytest.raises(RecipeError, match="depth"):
        build_model("learned_pyramid", depth=3)
