"""Perceptual loss: its closed form, what it takes, and an image that learns by it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from imfuse.lab.losses.perceptual import PerceptualLoss, perceptual_loss
from imfuse.lab.nn.feature_extractor import FeatureExtractor

LAYERS = ["1", "4"]


def image(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 12, 3, padding=1), nn.ReLU()
    )


def test_each_layer_counts_by_its_mean_square():
    features = [image(2, 3, 4, 5), image(2, 6, 2, 2)]
    targets = [image(2, 3, 4, 5, seed=1), image(2, 6, 2, 2, seed=2)]
    loss = perceptual_loss(features, targets, weights=[0.5, 2.0], reduction="none")
    expected = [
        0.5 / (3 * 4 * 5) * torch.linalg.vector_norm(features[0][n] - targets[0][n]) ** 2
        + 2.0 / (6 * 2 * 2) * torch.linalg.vector_norm(features[1][n] - targets[1][n]) ** 2
        for n in range(2)
    ]
    torch.testing.assert_close(loss, torch.stack(expected))
    torch.testing.assert_close(perceptual_loss(features, targets, [0.5, 2.0]), loss.mean())
    torch.testing.assert_close(perceptual_loss(features, targets, [0.5, 2.0], "sum"), loss.sum())


def test_names_or_an_order_choose_the_weights():
    features, targets = {"a": image(1, 2, 3, 3), "b": image(1, 4, 2, 2)}, {"b": image(1, 4, 2, 2, seed=1)}
    targets["a"] = image(1, 2, 3, 3, seed=1)
    expected = perceptual_loss(list(features.values()), [targets["a"], targets["b"]], [0.1, 0.7])
    torch.testing.assert_close(perceptual_loss(features, targets, [0.1, 0.7]), expected)
    torch.testing.assert_close(perceptual_loss(features, targets, {"b": 0.7, "a": 0.1}), expected)


def test_the_module_is_the_function_on_the_features(network):
    pictures, targets = image(2, 3, 8, 8).float(), image(2, 3, 8, 8, seed=1).float()
    extractor = FeatureExtractor(network, LAYERS)
    loss = PerceptualLoss(network, LAYERS, layer_weights=[1.0, 0.5], reduction="sum")
    expected = perceptual_loss(extractor(pictures), extractor(targets), [1.0, 0.5], "sum")
    torch.testing.assert_close(loss(pictures, targets), expected)
    assert loss(pictures, pictures) == 0
    of_one = PerceptualLoss(extractor, ["4"])(pictures, targets)
    torch.testing.assert_close(of_one, perceptual_loss([extractor(pictures)["4"]], [extractor(targets)["4"]]))


def test_a_target_without_gradient_is_seen_without(network):
    seen = []
    loss = PerceptualLoss(network, LAYERS)
    loss.extractor.register_forward_hook(lambda _m, _i, output: seen.append(output["4"].requires_grad))
    loss(image(1, 1, 6, 6).float().requires_grad_(), image(1, 1, 6, 6, seed=1).float()).backward()
    assert seen == [True, False]


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (6, 6)])
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_constant_and_thin_images_have_finite_values_and_gradients(network, size, level):
    picture = torch.full((1, 1, *size), level, requires_grad=True)
    loss = PerceptualLoss(network, LAYERS)
    value = loss(picture, picture.detach()) + loss(picture, torch.ones_like(picture))
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(picture.grad).all()


def test_the_gradient_is_that_of_the_value(network):
    loss, target = PerceptualLoss(network, LAYERS).double(), image(1, 1, 4, 4, seed=1)
    assert torch.autograd.gradcheck(lambda x: loss(x, target), image(1, 1, 4, 4).requires_grad_())


def test_it_compiles_whole_and_works_in_half_precision(network):
    loss = PerceptualLoss(network, LAYERS)
    picture, target = image(1, 1, 8, 8).float(), image(1, 1, 8, 8, seed=1).float()
    expected = loss(picture, target)
    compiled = torch.compile(loss, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(picture, target), expected)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert loss(picture, target).dtype == torch.float32
        half = loss(picture.bfloat16(), target.bfloat16())
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), expected, rtol=0.1, atol=0)
    large = [torch.full((1, 1, 64, 64), 300.0, dtype=torch.half)]  # its squares are beyond half precision
    assert perceptual_loss(large, [large[0] - 100]).item() == 10_000


def test_what_does_not_go_together_is_refused():
    features = [image(1, 2, 4, 4)]
    for targets, weights, said in (
        ([image(1, 2, 2, 2)], None, "expected equal shapes"),
        ([image(1, 2, 4, 4)] * 2, None, "targets of layers .* expected those of the features"),
        (features, [1.0, 2.0], "weights of layers"),
        ({"a": features[0]}, None, "targets of layers"),
    ):
        with pytest.raises(ValueError, match=said):
            perceptual_loss(features, targets, weights)
    with pytest.raises(ValueError, match="no layer"):
        perceptual_loss([], [])
    with pytest.raises(ValueError, match="expected mean, sum or none"):
        perceptual_loss(features, features, reduction="median")


def test_an_image_learns_to_look_like_its_target(network):
    loss = PerceptualLoss(network, LAYERS)
    target = image(1, 1, 16, 16, seed=1).float()
    picture = torch.full_like(target, 0.5).requires_grad_()
    optimiser = torch.optim.Adam([picture], 0.02)
    before = loss(picture, target).item()
    for _ in range(100):
        optimiser.zero_grad()
        loss(picture, target).backward()
        optimiser.step()
    assert loss(picture, target).item() < 0.02 * before
    assert (picture - target).abs().mean() < 0.25 * (0.5 - target).abs().mean()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")
def test_cuda_gives_the_same(network):
    loss, picture, target = (
        PerceptualLoss(network, LAYERS),
        image(1, 1, 8, 8).float(),
        image(1, 1, 8, 8, seed=1).float(),
    )
    expected = loss(picture, target)
    torch.testing.assert_close(loss.cuda()(picture.cuda(), target.cuda()).cpu(), expected, rtol=1e-3, atol=1e-5)
