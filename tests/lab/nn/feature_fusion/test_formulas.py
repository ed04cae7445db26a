"""Joining blocks against their formulas, written plainly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from imfuse.lab.nn.feature_fusion import AFF, MSCAM, SE, Add, Concat, IterativeAFF, ParallelAdd

CHANNELS = 12


@pytest.fixture
def maps() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(3, CHANNELS, 5, 7, generator=generator) for _ in range(3)]


def awake(block: nn.Module) -> nn.Module:
    """With weights and statistics that are unlike each other, and in evaluation."""
    generator = torch.Generator().manual_seed(1)
    for name, value in block.state_dict().items():
        if value.is_floating_point():
            value.copy_(torch.rand(value.shape, generator=generator) + 0.2 * ("running_var" in name) - 0.1)
    return block.eval()


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def bottleneck(branch: nn.Sequential, x: np.ndarray) -> np.ndarray:
    """conv1, BN, ReLU, conv1, BN by NumPy; the state is read by its place."""
    down, norm1, _, up, norm2 = branch
    return normalised(norm2, conv1(up, np.maximum(normalised(norm1, conv1(down, x)), 0)))


def conv1(conv: nn.Conv2d, x: np.ndarray) -> np.ndarray:
    weight, bias = conv.weight.detach().numpy()[:, :, 0, 0], conv.bias.detach().numpy()
    return np.einsum("oc,bchw->bohw", weight, x) + bias[:, None, None]


def normalised(norm: nn.BatchNorm2d, x: np.ndarray) -> np.ndarray:
    mean, var, weight, bias = (
        value.detach().numpy()[:, None, None] for value in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    )
    return (x - mean) / np.sqrt(var + norm.eps) * weight + bias


def attention(context: nn.Module, x: np.ndarray) -> np.ndarray:
    large = bottleneck(context.at_large, x.mean((2, 3), keepdims=True))
    return sigmoid(bottleneck(context.at_positions, x) + large)


def close(found: torch.Tensor, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-4, atol=1e-5)


def test_add_is_the_sum(maps):
    x, y, w = maps
    torch.testing.assert_close(Add(CHANNELS)(x, y), x + y)
    torch.testing.assert_close(Add(CHANNELS)(x, y, w), x + y + w)


def test_concat_is_a_matrix_product_of_all_channels(maps):
    block = awake(Concat(CHANNELS, count=3))
    close(block(*maps), conv1(block.project, np.concatenate([m.numpy() for m in maps], axis=1)))
    torch.testing.assert_close(Concat(CHANNELS, count=3, project=False)(*maps), torch.cat(maps, 1))


def test_parallel_add_is_a_complex_number(maps):
    x, y, w = maps
    z = x.numpy() + 1j * y.numpy()
    close(ParallelAdd(CHANNELS)(x, y), np.abs(z))
    close(ParallelAdd(CHANNELS, output="stacked")(x, y), np.concatenate([z.real, z.imag], axis=1))
    close(ParallelAdd(CHANNELS)(x, y, w), np.sqrt(sum(m.numpy() ** 2 for m in maps)))


def test_the_modulus_of_nothing_is_nothing_and_has_a_gradient_of_zero():
    x = torch.zeros(1, 2, 3, 3, requires_grad=True)
    fused = ParallelAdd(2)(x, x)
    fused.sum().backward()
    assert (fused == 0).all()
    assert (x.grad == 0).all()


def test_the_modulus_of_large_half_precision_features_is_finite():
    x = torch.full((1, 2, 3, 3), 300.0, dtype=torch.float16)
    torch.testing.assert_close(ParallelAdd(2)(x, x), torch.full_like(x, 424.3))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_se_weighs_the_channels_of_the_sum(maps, count):
    block = awake(SE(CHANNELS, reduction=2))
    total = sum(m.numpy() for m in maps[:count])
    hidden = np.maximum(conv1(block.squeeze, total.mean((2, 3), keepdims=True)), 0)
    close(block(*maps[:count]), total * sigmoid(conv1(block.excite, hidden)))


def test_se_keeps_hidden_channels_where_there_are_few():
    assert SE(64).squeeze.out_channels == 4
    assert SE(256).squeeze.out_channels == 16
    assert SE(2).squeeze.out_channels == 4


@pytest.mark.parametrize("count", [1, 2, 3])
def test_ms_cam_weighs_each_channel_of_the_sum_at_each_position(maps, count):
    block = awake(MSCAM(CHANNELS))
    total = sum(m.numpy() for m in maps[:count])
    close(block(*maps[:count]), total * attention(block.context, total))


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_aff_chooses_by_the_attention_of_the_sum(maps, scale):
    block = awake(AFF(CHANNELS, scale=scale))
    x, y = maps[0].numpy(), maps[1].numpy()
    weight = attention(block.context, x + y)
    close(block(*maps[:2]), scale * (weight * x + (1 - weight) * y))


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_iaff_chooses_by_the_attention_of_a_first_choice(maps, scale):
    block = awake(IterativeAFF(CHANNELS, scale=scale))
    x, y = maps[0].numpy(), maps[1].numpy()
    first = attention(block.first, x + y)
    initial = scale * (first * x + (1 - first) * y)
    second = attention(block.second, initial)
    close(block(*maps[:2]), scale * (second * x + (1 - second) * y))


@pytest.mark.parametrize("block", [AFF, IterativeAFF])
def test_three_maps_are_joined_from_the_left(maps, block):
    join = awake(block(CHANNELS))
    torch.testing.assert_close(join(*maps), join(join(*maps[:2]), maps[2]))


def test_an_untouched_aff_of_the_codes_scale_takes_the_place_of_a_sum(maps):
    block = AFF(CHANNELS, scale=2.0).eval()
    for norm in (block.context.at_positions[-1], block.context.at_large[-1]):
        nn.init.zeros_(norm.weight)
    torch.testing.assert_close(block(*maps[:2]), maps[0] + maps[1])


@pytest.mark.parametrize("branch", ["at_positions", "at_large"])
def test_the_two_attentions_of_iaff_are_two(maps, branch):
    block = awake(IterativeAFF(CHANNELS))
    before = block(*maps[:2])
    seen = []
    for context in (block.first, block.second):
        getattr(context, branch).register_forward_hook(lambda module, *_: seen.append(module))
    block(*maps[:2])
    assert len(seen) == len({id(module) for module in seen}) == 2
    addresses = [parameter.data_ptr() for parameter in block.parameters()]
    assert len(addresses) == len(set(addresses)) == 2 * len(list(AFF(CHANNELS).parameters()))
    getattr(block.second, branch)[0].weight.data.add_(1)
    assert not torch.allclose(block(*maps[:2]), before)


def test_batch_statistics_are_those_of_pytorch_in_training(maps):
    block = AFF(CHANNELS).train()
    x, y = maps[:2]
    total = x + y
    scores = []
    for branch, values in ((block.context.at_positions, total), (block.context.at_large, total.mean((2, 3), True))):
        hidden = F.relu(F.batch_norm(F.conv2d(values, branch[0].weight, branch[0].bias), None, None, training=True))
        scores.append(F.batch_norm(F.conv2d(hidden, branch[3].weight, branch[3].bias), None, None, training=True))
    weight = torch.sigmoid(sum(scores))
    torch.testing.assert_close(block(x, y), weight * x + (1 - weight) * y)
