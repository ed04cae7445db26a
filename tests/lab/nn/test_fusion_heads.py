"""Heads: what they make of features and sources, what they keep, how far they reach."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from imfuse.lab.models.learned_pyramid import LearnedPyramid
from imfuse.lab.nn.control_pyramid import ControlPyramid
from imfuse.lab.nn.fusion_heads import FUSION_HEADS, BlendHead, DirectHead, Maps, PyramidHead
from imfuse.lab.nn.genotype import HEADS, RESOLUTIONS


def uniform(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def features_and_sources(width: int, resolution: int, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    return uniform(2, width, side // resolution, side // resolution) - 0.5, uniform(2, 2, side, side, seed=1)


def test_every_head_of_a_genotype_is_known():
    assert set(FUSION_HEADS) == set(HEADS)


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize("name", HEADS)
def test_a_head_gives_one_image_of_the_size_of_the_sources_and_learns(name, resolution):
    torch.manual_seed(0)
    head = FUSION_HEADS[name](4, resolution)
    features, sources = (x.float() for x in features_and_sources(4, resolution, 2 * head.size_multiple * resolution))
    features.requires_grad_()
    if name == "pyramid":  # at the start its controls are zero, whatever the features
        for parameter in head.controls.heads.parameters():
            nn.init.normal_(parameter, 0, 0.2)
    fused = head(features, sources)
    assert fused.shape == sources[:, :1].shape
    fused.square().mean().backward()
    for tensor in (features, *head.parameters()):
        assert tensor.grad is not None
        assert torch.isfinite(tensor.grad).all()
    assert features.grad.abs().max() > 0


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize("name", HEADS)
@torch.no_grad()
def test_equal_sources_come_back_where_a_head_says_so(name, resolution, awake):
    head = awake(FUSION_HEADS[name](4, resolution))
    features, sources = features_and_sources(4, resolution, 64)
    source = sources[:, :1]
    difference = (head(5 * features, source.expand(-1, 2, -1, -1)) - source).abs().max()
    assert head.keeps_equal == (name != "direct") == bool(difference < 1e-9)


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@torch.no_grad()
def test_a_blend_is_a_weighted_mean_and_a_share_of_the_difference(resolution, awake):
    head = awake(BlendHead(4, resolution))
    features, sources = features_and_sources(4, resolution, 16)
    weight, residual = head.maps(features).unbind(1)
    A, B = sources.unbind(1)
    share = 1 / (1 + torch.exp(-weight))
    expected = share * A + (1 - share) * B + torch.tanh(residual) * (A - B).abs()
    torch.testing.assert_close(head(features, sources)[:, 0], expected)


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@torch.no_grad()
def test_an_untrained_pyramid_head_is_the_untrained_learned_pyramid_whatever_the_features(resolution):
    head, pyramid = PyramidHead(4, resolution).double(), LearnedPyramid().double()
    features, sources = features_and_sources(4, resolution, 64)
    torch.testing.assert_close(head(features, sources), pyramid(sources))
    torch.testing.assert_close(head(-9 * features, sources), pyramid(sources))


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@torch.no_grad()
def test_a_trained_pyramid_head_follows_the_features(resolution, awake):
    head = awake(PyramidHead(4, resolution))
    features, sources = features_and_sources(4, resolution, 64)
    assert not torch.allclose(head(features, sources), head(features.flip(-1), sources), atol=1e-3)


@pytest.mark.parametrize("finest", [0, 1, 2])
@torch.no_grad()
def test_controls_have_the_size_of_their_level_and_no_finer_than_the_features(finest, awake):
    controls = awake(ControlPyramid(5, 4, finest=finest))(uniform(1, 4, 64 >> finest, 96 >> finest))
    sizes = [(64 >> max(level, finest), 96 >> max(level, finest)) for level in range(6)]
    assert [tuple(control.shape) for control in controls] == [(1, 2, *size) for size in sizes]


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize("head", [DirectHead, BlendHead])
def test_a_convolutional_head_reaches_as_far_as_it_says(head, resolution, awake, reach):
    made = awake(head(4, resolution))
    sources = uniform(1, 2, 12 * resolution, 12 * resolution)

    def of_features(features):
        return made(features, sources).unflatten(-1, (-1, resolution)).unflatten(-3, (-1, resolution)).sum((-1, -3))

    assert reach(of_features, (1, 4, 12, 12)) * resolution == made.radius


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@torch.no_grad()
def test_a_pyramid_head_reaches_as_far_as_it_says(resolution):
    # What is no number spreads to all that depends on it, however little.
    head = PyramidHead(2, resolution)
    farthest, side = 0, 1024
    for feature in range(side // 2 // resolution, (side // 2 + 32) // resolution):
        features, sources = torch.rand(1, 2, 32 // resolution, side // resolution), torch.rand(1, 2, 32, side)
        features[..., feature] = torch.nan
        touched = torch.nonzero(head(features, sources)[0, 0, 0].isnan())
        first, last = feature * resolution, (feature + 1) * resolution - 1
        farthest = max(farthest, int(last - touched.min()), int(touched.max() - first))
        sources[..., first : last + 1] = torch.nan
        assert torch.nonzero(head(features, sources)[0, 0, 0].isnan()).equal(touched)
    assert farthest - (resolution - 1) == head.radius


@torch.no_grad()
def test_maps_of_lower_resolution_fill_the_square_of_their_feature():
    maps = Maps(4, 2, 4)
    nn.init.zeros_(maps.body[-1].weight)
    maps.body[-1].bias.copy_(torch.arange(32.0))
    made = maps(torch.rand(1, 4, 2, 3))
    squares = torch.arange(32.0).reshape(2, 4, 4)
    assert torch.equal(made[0], squares.tile(1, 2, 3))
