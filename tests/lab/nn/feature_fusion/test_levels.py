"""Fusion of several levels: before the prediction, after it, and from the top down."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.ops import FeaturePyramidNetwork

from imfuse.lab.nn.feature_fusion import AFF, FPN, EarlyFusion, LateFusion
from imfuse.lab.nn.feature_fusion.early_fusion import L2Norm


@pytest.fixture
def levels() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, 4 * 2**k, 12 // 2**k, 8 // 2**k, generator=generator) for k in range(3)]


def test_early_fusion_normalises_raises_and_joins_all_layers(levels):
    block = EarlyFusion((4, 8, 16), 5)
    for norm in block.norms:
        nn.init.uniform_(norm.scale)
    parts = [
        norm.scale * layer / layer.norm(dim=1, keepdim=True) for norm, layer in zip(block.norms, levels, strict=True)
    ]
    raised = [F.interpolate(part, size=(12, 8), mode="bilinear") for part in parts]
    expected = F.conv2d(torch.cat(raised, 1), block.project.weight, block.project.bias)
    torch.testing.assert_close(block(*levels), expected, atol=1e-5, rtol=1e-4)


def test_a_layer_a_thousand_times_larger_counts_no_more(levels):
    block = EarlyFusion((4, 8, 16), 5)
    louder = [levels[0], 1000 * levels[1], levels[2]]
    torch.testing.assert_close(block(*louder), block(*levels), atol=1e-4, rtol=1e-4)


def test_the_size_may_be_that_of_a_layer_in_the_middle(levels):
    block = EarlyFusion((4, 8, 16), 5, level=1)
    assert block(*levels).shape == (2, 5, 6, 4)
    finest = block.norms[0](levels[0])
    seen = []
    block.project.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    block(*levels)
    torch.testing.assert_close(seen[0][:, :4], F.avg_pool2d(finest, 2))


def test_early_fusion_predicts_once(levels):
    predictor = nn.Conv2d(5, 3, 1)
    calls = []
    predictor.register_forward_hook(lambda *_: calls.append(1))
    assert EarlyFusion((4, 8, 16), 5, predictor=predictor)(*levels).shape == (2, 3, 12, 8)
    assert len(calls) == 1


def test_positions_without_features_have_a_finite_gradient():
    x = torch.zeros(1, 4, 2, 2, requires_grad=True)
    L2Norm(4)(x).sum().backward()
    assert torch.isfinite(x.grad).all()


def test_late_fusion_lists_the_anchors_of_every_level(levels):
    predictors = [nn.Conv2d(c, 3 * 6, 1) for c in (4, 8, 16)]
    listed = LateFusion(predictors, values=6)(*levels)
    assert listed.shape == (2, 3 * (12 * 8 + 6 * 4 + 3 * 2), 6)
    row, column, anchor = 2, 1, 2
    expected = predictors[1](levels[1])[:, 6 * anchor : 6 * anchor + 6, row, column]
    torch.testing.assert_close(listed[:, 3 * (12 * 8 + row * 4 + column) + anchor], expected)


def test_late_fusion_averages_logits_at_the_finest_size(levels):
    predictors = [nn.Conv2d(c, 3, 1) for c in (4, 8, 16)]
    logits = [predict(level) for predict, level in zip(predictors, levels, strict=True)]
    expected = sum(F.interpolate(each, size=(12, 8), mode="bilinear") for each in logits) / 3
    torch.testing.assert_close(LateFusion(predictors, join="mean")(*levels), expected)


def test_the_pyramid_of_sums_is_that_of_torchvision(levels):
    ours, theirs = FPN((4, 8, 16), 6), FeaturePyramidNetwork([4, 8, 16], 6)
    for k in range(3):
        theirs.inner_blocks[k][0].load_state_dict(ours.lateral[k].state_dict())
        theirs.layer_blocks[k][0].load_state_dict(ours.output[k].state_dict())
    expected = theirs(OrderedDict(zip("abc", levels, strict=True))).values()
    for found, wanted in zip(ours(*levels), expected, strict=True):
        torch.testing.assert_close(found, wanted)


def test_every_join_of_a_pyramid_has_weights_of_its_own_and_every_level_is_predicted(levels):
    pyramid = FPN((4, 8, 16), 6, fuse="aff", predictor=nn.Conv2d(6, 2, 1))
    first, second = pyramid.joins
    assert isinstance(first, AFF)
    assert not {id(p) for p in first.parameters()} & {id(p) for p in second.parameters()}
    assert [tuple(level.shape) for level in pyramid(*levels)] == [(2, 2, 12, 8), (2, 2, 6, 4), (2, 2, 3, 2)]


def test_what_does_not_fit_is_refused(levels):
    with pytest.raises(ValueError, match="2 maps: expected 3, one for each layer"):
        EarlyFusion((4, 8, 16), 5)(*levels[:2])
    with pytest.raises(ValueError, match=r"a map of shape \(2, 1, 6, 4\): expected 8 channels"):
        EarlyFusion((4, 8, 16), 5)(levels[0], levels[1][:, :1], levels[2])
    with pytest.raises(ValueError, match="expected 0 to 2"):
        EarlyFusion((4, 8, 16), 5, level=3)
    with pytest.raises(ValueError, match="2 maps: expected 3, one for each level"):
        FPN((4, 8, 16), 5)(*levels[:2])
    with pytest.raises(ValueError, match="1 maps: expected 2, one for each predictor"):
        LateFusion([nn.Conv2d(4, 3, 1), nn.Conv2d(8, 3, 1)])(levels[0])
    with pytest.raises(ValueError, match="expected a multiple of 2"):
        LateFusion([nn.Conv2d(4, 3, 1)], values=2)(levels[0])
    with pytest.raises(ValueError, match="expected concat or mean"):
        LateFusion([], join="sum")
