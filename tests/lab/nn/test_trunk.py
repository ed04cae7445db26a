"""Stem and cells: sizes, borders, reach, and what the genotype decides."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate
from torch import nn

from imfuse.lab.nn.genotype import RESOLUTIONS, CellGene
from imfuse.lab.nn.trunk import Stem, Trunk, conv3

CSC, CMS, CDC = (CellGene(kind, ("dil_3",)) for kind in ("csc", "cms", "cdc"))


def images(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.double)


@torch.no_grad()
def test_a_convolution_mirrors_the_picture_beyond_its_border(awake):
    conv, x = awake(conv3(2, 3)), images(1, 2, 2, 5)
    weight = conv.weight.numpy()
    for made, kernels, bias in zip(conv(x)[0], weight, conv.bias, strict=True):
        expected = sum(
            correlate(image, kernel, mode="mirror") for image, kernel in zip(x[0].numpy(), kernels, strict=True)
        )
        np.testing.assert_allclose(made.numpy(), expected + float(bias), atol=1e-12)


@pytest.mark.parametrize("norm", [False, True])
def test_a_stem_widens_to_twice_the_width_and_has_one_norm_at_most(norm):
    layers = [layer for layer in Stem(2, 8, norm=norm).modules() if not list(layer.children())]
    shapes = [(layer.in_channels, layer.out_channels) for layer in layers if isinstance(layer, nn.Conv2d)]
    assert shapes == [(2, 16), (16, 8)]
    kinds = [type(layer).__name__ for layer in layers]
    assert kinds == ["Conv2d", "PReLU", "Conv2d", *(["BatchNorm2d"] if norm else []), "PReLU"]


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_one_feature_covers_as_many_pixels_as_the_resolution_says(resolution, count):
    trunk = Trunk([CSC, CDC], 6, resolution, images=count)
    features = trunk(torch.rand(2, count, 8 * resolution, 12 * resolution))
    assert features.shape == (2, 6, 8, 12)


@torch.no_grad()
def test_features_of_lower_resolution_see_every_pixel_of_their_square(awake):
    stem = awake(Stem(2, 4, 4))
    x = images(1, 2, 16, 16)
    middle = stem(x)[..., 1, 1]
    for row, column in np.ndindex(4, 4):
        changed = x.clone()
        changed[:, 1, 4 + row, 4 + column] += 1
        assert not torch.allclose(stem(changed)[..., 1, 1], middle)


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize(("cells", "side"), [([], 2), ([CSC], 2), ([CSC, CDC], 2), ([CSC, CMS], 4), ([CMS, CDC], 4)])
@torch.no_grad()
def test_the_smallest_size_is_taken_and_finite(resolution, cells, side, awake):
    trunk = awake(Trunk(cells, 8, resolution))
    assert trunk.size_multiple == resolution * side
    for rows, columns in ((1, 1), (1, 3)):
        features = trunk(images(1, 2, rows * trunk.size_multiple, columns * trunk.size_multiple))
        assert features.shape == (1, 8, rows * side, columns * side)
        assert torch.isfinite(features).all()


@torch.no_grad()
def test_a_flat_picture_has_flat_features_up_to_the_border_at_full_resolution(awake):
    features = awake(Stem(2, 4))(torch.tensor([0.2, 0.9]).double()[None, :, None, None].expand(1, 2, 16, 24))
    torch.testing.assert_close(features, features[..., :1, :1].expand_as(features))


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize("cells", [[], [CSC], [CSC, CSC]])
def test_a_trunk_reaches_as_far_as_it_says(resolution, cells, awake, reach):
    trunk = awake(Trunk(cells, 8, resolution))
    side = resolution * 2 * (trunk.radius // resolution + 3)
    assert reach(trunk, (1, 2, side, side), scale=resolution) == trunk.radius
    assert not trunk.pools


def test_a_trunk_says_whether_a_cell_sees_the_whole_picture():
    assert Trunk([CSC, CMS], 4).pools
    assert Trunk([CellGene("cdc", ("dil_3", "channel_3"))], 8).pools
    assert not Trunk([CDC, CSC], 4).pools
