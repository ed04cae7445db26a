"""Content and style: the sum of its parts, the layers that it takes, and a picture between the two."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from imfuse.errors import ModelError
from imfuse.lab.losses.content_style import ContentStyleLoss, content_style_loss
from imfuse.lab.losses.perceptual import perceptual_loss
from imfuse.lab.losses.texture import texture_loss
from imfuse.lab.losses.total_variation import total_variation_loss
from imfuse.lab.nn.feature_extractor import FeatureExtractor
from imfuse.lab.nn.vgg_names import vgg_layer

DEEP, SHALLOW = ["4"], ["0", "1"]


def image(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(8, 12, 3, padding=1), nn.ReLU()
    )


def test_it_is_the_sum_of_its_parts_on_the_layers_of_each(network):
    picture, content, style = image(2, 1, 8, 8), image(2, 1, 8, 8, seed=1), image(1, 1, 6, 10, seed=2)
    extractor = FeatureExtractor(network, [*DEEP, *SHALLOW]).double()
    mine, deep, shallow = extractor(picture), extractor(content), extractor(style)
    expected = (
        2.0 * perceptual_loss([mine["4"]], [deep["4"]], reduction="none")
        + 3.0 * texture_loss([mine["0"], mine["1"]], [shallow["0"], shallow["1"]], [0.2, 0.8], "none")
        + 0.5 * total_variation_loss(picture, reduction="none")
    )
    options = {"alpha": 2.0, "beta": 3.0, "gamma": 0.5, "style_weights": [0.2, 0.8], "reduction": "none"}
    loss = ContentStyleLoss(network, DEEP, SHALLOW, **options).double()
    torch.testing.assert_close(loss(picture, content, style), expected)
    torch.testing.assert_close(ContentStyleLoss(extractor, DEEP, SHALLOW, **options)(picture, content, style), expected)
    pairs = ([mine["4"]], [deep["4"]]), ([mine["0"], mine["1"]], [shallow["0"], shallow["1"]])
    torch.testing.assert_close(content_style_loss(picture, *pairs, **options), expected)


def test_default_layers_and_those_that_are_not_there(network):
    loss = ContentStyleLoss("vgg19", network_weights="random")
    assert loss.content_layers == (vgg_layer("vgg19", "relu4_2"),)
    assert loss.style_layers == tuple(vgg_layer("vgg19", f"relu{block}_1") for block in range(1, 6))
    of_others = ContentStyleLoss(FeatureExtractor(network, ["0", "1", "4"]))
    assert (of_others.content_layers, of_others.style_layers) == (("4",), ("0", "1"))
    with pytest.raises(ModelError, match="not 3"):
        ContentStyleLoss(FeatureExtractor(network, ["0", "4"]), ["3"])


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (6, 6)])
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_constant_and_thin_images_have_finite_values_and_gradients(network, size, level):
    picture = torch.full((1, 1, *size), level, requires_grad=True)
    loss = ContentStyleLoss(network, DEEP, SHALLOW, gamma=1.0)
    value = loss(picture, picture.detach(), torch.ones(1, 1, 5, 5))
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(picture.grad).all()


def test_the_gradient_is_that_of_the_value(network):
    loss = ContentStyleLoss(network, DEEP, SHALLOW, gamma=0.1).double()
    content, style = image(1, 1, 4, 4, seed=1), image(1, 1, 5, 4, seed=2)
    assert torch.autograd.gradcheck(lambda x: loss(x, content, style), image(1, 1, 4, 4).requires_grad_())


def test_it_compiles_whole_and_stays_finite_in_half_precision(network):
    loss = ContentStyleLoss(network, DEEP, SHALLOW, gamma=0.1)
    pictures = [image(1, 1, 8, 8, seed=seed).float() for seed in range(3)]
    compiled = torch.compile(loss, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(*pictures), loss(*pictures))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = loss(*(picture.bfloat16() for picture in pictures))
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), loss(*pictures), rtol=0.1, atol=0.01)


def test_a_picture_takes_the_content_of_one_and_the_style_of_another(network):
    content = torch.zeros(1, 1, 24, 24)
    content[..., 6:18, 6:18] = 0.6
    style = (torch.arange(24) // 3 % 2).float().expand(1, 1, 24, 24).contiguous()
    loss = ContentStyleLoss(network, DEEP, SHALLOW, beta=0.3, gamma=0.01)
    picture = content.clone().requires_grad_()
    optimiser = torch.optim.Adam([picture], 0.02)
    before = loss(picture, content, style).item()
    for _ in range(100):
        optimiser.zero_grad()
        loss(picture, content, style).backward()
        optimiser.step()
    assert loss(picture, content, style).item() < 0.3 * before
    styled = ContentStyleLoss(network, DEEP, SHALLOW, alpha=0.0)
    kept = ContentStyleLoss(network, DEEP, SHALLOW, beta=0.0)
    assert styled(picture, content, style) < 0.5 * styled(content, content, style)
    assert kept(picture, content, style) < 0.5 * kept(style, content, style)
