"""Topology loss: the sum of its parts, what a gap costs, and a gap that it closes."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from imfuse.lab.losses.perceptual import perceptual_loss
from imfuse.lab.losses.topology import TopologyLoss, topology_loss
from imfuse.lab.nn.feature_extractor import FeatureExtractor
from imfuse.lab.nn.vgg_names import vgg_layer

LAYERS = ["0", "2", "5"]


def image(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 12, 3, padding=1),
    )


def line() -> torch.Tensor:
    target = torch.zeros(1, 1, 16, 16)
    target[..., 7:9, :] = 1
    return target


def test_it_is_cross_entropy_and_the_features_of_the_probabilities(network):
    logits, targets = 4 * image(2, 1, 8, 8) - 2, image(2, 1, 8, 8, seed=1).round()
    extractor = FeatureExtractor(network, LAYERS).double()
    probabilities = torch.sigmoid(logits).expand(-1, 3, -1, -1)
    expected = F.binary_cross_entropy(torch.sigmoid(logits), targets) + 0.3 * perceptual_loss(
        extractor(probabilities), extractor(targets)
    )
    torch.testing.assert_close(topology_loss(logits, targets, extractor, mu=0.3), expected)
    torch.testing.assert_close(TopologyLoss(network, LAYERS, mu=0.3).double()(logits, targets), expected)
    each = topology_loss(logits, targets, extractor, mu=0.3, reduction="none")
    assert each.shape == (2,)
    torch.testing.assert_close(each.mean(), expected)


def test_by_default_the_layers_of_the_paper_and_its_weight():
    loss = TopologyLoss(network_weights="random")
    assert loss.layers == tuple(vgg_layer("vgg19", name) for name in ("conv1_2", "conv2_2", "conv3_4"))
    assert loss.mu == 0.1


def test_one_layer_of_an_extractor_may_be_chosen(network):
    logits, extractor = torch.zeros(1, 1, 16, 16), FeatureExtractor(network, LAYERS)
    of_one = topology_loss(logits, line(), extractor, mu=1.0, layers=["2"])
    torch.testing.assert_close(of_one, TopologyLoss(network, ["2"], mu=1.0)(logits, line()))
    torch.testing.assert_close(of_one, TopologyLoss(extractor, ["2"], mu=1.0)(logits, line()))


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (6, 6)])
@pytest.mark.parametrize("logit", [-100.0, 0.0, 100.0])
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_sure_and_thin_maps_have_finite_values_and_gradients(network, size, logit, target):
    logits = torch.full((1, 1, *size), logit, requires_grad=True)
    loss = TopologyLoss(network, LAYERS)(logits, torch.full_like(logits, target))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


def test_the_gradient_is_that_of_the_value(network):
    loss, targets = TopologyLoss(network, LAYERS, mu=1.0).double(), image(1, 1, 4, 4, seed=1).round()
    assert torch.autograd.gradcheck(lambda x: loss(x, targets), image(1, 1, 4, 4).requires_grad_())


def test_it_compiles_whole_and_works_in_half_precision(network):
    loss, logits = TopologyLoss(network, LAYERS), 10 * image(1, 1, 16, 16).float() - 5
    expected = loss(logits, line())
    compiled = torch.compile(loss, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(logits, line()), expected)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = loss(logits.bfloat16(), line().bfloat16())
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), expected, rtol=0.05, atol=0)


def test_maps_of_several_channels_or_unlike_shapes_are_refused(network):
    loss = TopologyLoss(network, LAYERS)
    for logits in (torch.zeros(1, 3, 16, 16), torch.zeros(1, 1, 8, 16)):
        with pytest.raises(ValueError, match=r"expected both \(b, 1, h, w\)"):
            loss(logits, line())


def test_the_features_alone_close_a_gap(network):
    broken = line()
    broken[..., 6:10] = 0
    extractor = FeatureExtractor(network, LAYERS)
    logits = (6 * broken - 3).requires_grad_()
    optimiser = torch.optim.Adam([logits], 0.1)
    for _ in range(80):
        optimiser.zero_grad()
        (topology_loss(logits, line(), extractor, mu=1.0) - topology_loss(logits, line(), extractor, mu=0.0)).backward()
        optimiser.step()
    found = (logits > 0).float()
    assert torch.equal(found, line())
