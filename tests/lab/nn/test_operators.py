"""Every operator is what its name says, computed again by hand; it keeps the shape and reaches as far as it says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate
from torch import nn

from imfuse.errors import RecipeError
from imfuse.lab.nn.feature_fusion import count_macs, count_parameters, pooling_blocks
from imfuse.lab.nn.genotype import OPERATOR_NAMES
from imfuse.lab.nn.operators import OPERATORS, PAPER_OPERATORS, build_operator


def conv(x: np.ndarray, weight: np.ndarray, dilation: int = 1) -> np.ndarray:
    """Grouped convolution of `(c, h, w)` beyond whose border are zeros."""
    made, seen, side = weight.shape[:3]
    groups = x.shape[0] // seen
    kernels = np.zeros((made, seen, dilation * (side - 1) + 1, dilation * (side - 1) + 1))
    kernels[..., ::dilation, ::dilation] = weight
    first = [channel // (made // groups) * seen for channel in range(made)]
    return np.stack(
        [
            sum(correlate(x[start + i], kernel[i], mode="constant") for i in range(seen))
            for start, kernel in zip(first, kernels, strict=True)
        ]
    )


def relu(x):
    return np.maximum(x, 0)


def prelu(x, slope):
    return np.where(x > 0, x, slope * x)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def norm(x, layer: nn.BatchNorm2d):
    weight, bias, mean, variance = (
        values.detach().numpy()[:, None, None]
        for values in (layer.weight, layer.bias, layer.running_mean, layer.running_var)
    )
    return (x - mean) / np.sqrt(variance + 1e-5) * weight + bias


def separable(x, convs, norms, slope):
    first = norm(conv(conv(relu(x), convs[0]), convs[1]), norms[0])
    return norm(conv(conv(relu(first), convs[2]), convs[3]), norms[1])


def dilated(x, convs, norms, slope):
    return x + norm(conv(conv(relu(x), convs[0], 2), convs[1]), norms[0])


def residual(x, convs, norms, slope):
    return x + prelu(norm(conv(conv(conv(x, convs[0]), convs[1], 2), convs[2]), norms[0]), slope)


def dense(x, convs, norms, slope):
    first = prelu(conv(x, convs[0]), slope)
    second = prelu(conv(np.concatenate([x, first]), convs[1]), slope)
    return x + 0.333 * conv(np.concatenate([x, first, second]), convs[2])


def spatial(x, convs, norms, slope):
    return x * sigmoid(conv(np.stack([x.max(0), x.mean(0)]), convs[0]))


def channel(x, convs, norms, slope):
    means = np.pad(x.mean((1, 2)), 1)
    attention = sigmoid(np.array([(means[i : i + 3] * convs[0][0, 0]).sum() for i in range(len(x))]))
    return prelu(conv(x * attention[:, None, None], convs[1]), slope)


def plain(x, convs, norms, slope):
    return prelu(norm(conv(x, convs[0]), norms[0]), slope)


BY_HAND = {
    "sep": separable, "dil": dilated, "res": residual, "dense": dense, "spatial": spatial, "channel": channel,
    "conv": plain,
}  # fmt: skip
CONVOLUTIONS = {"sep": 4, "dil": 2, "res": 3, "dense": 3, "spatial": 1, "channel": 2, "conv": 1}
"""How many convolutions each has."""


@pytest.mark.parametrize("name", OPERATORS)
@torch.no_grad()
def test_an_operator_is_its_formula(name, awake):
    operator = awake(OPERATORS[name](6))
    x = torch.randn(1, 6, 9, 8, generator=torch.Generator().manual_seed(2), dtype=torch.double)
    kind, size = name.split("_")
    layers = list(operator.modules())
    convs = [layer.weight.numpy() for layer in layers if isinstance(layer, (nn.Conv1d, nn.Conv2d))]
    assert len(convs) == CONVOLUTIONS[kind]
    assert convs[0].shape[-1] == int(size)
    norms = [layer for layer in layers if isinstance(layer, nn.BatchNorm2d)]
    slopes = [float(layer.weight) for layer in layers if isinstance(layer, nn.PReLU)]
    expected = BY_HAND[kind](x[0].numpy(), convs, norms, *slopes or [0])
    np.testing.assert_allclose(operator(x)[0].numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 4)])
def test_any_size_keeps_its_shape_and_has_finite_gradients(name, size):
    operator = OPERATORS[name](4)
    x = torch.randn(2, 4, *size, requires_grad=True)
    made = operator(x)
    assert made.shape == x.shape
    made.square().sum().backward()
    for tensor in (x, *operator.parameters()):
        assert tensor.grad is not None
        assert torch.isfinite(tensor.grad).all()


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_reaches_as_far_as_it_says(name, awake, reach):
    operator = awake(OPERATORS[name](6))
    if name == "channel_3":  # but for the means
        nn.init.zeros_(operator.attention.weight)
    assert reach(operator, (1, 6, 25, 25)) == operator.radius


def test_only_channel_attention_sees_the_whole_picture(awake):
    for name, make in OPERATORS.items():
        operator = awake(make(4))
        x = torch.randn(1, 4, 32, 32, dtype=torch.double)
        far = x.clone()
        far[..., 31] += 1
        depends = bool((operator(x) - operator(far))[..., 0].abs().max() > 1e-12)
        assert depends == (name == "channel_3") == bool(pooling_blocks(operator)), name


SIZES = {
    # Parameters by hand: of depthwise kernels, of conv 1, of batch norms (2 C), of PReLUs; then MAC a pixel, which
    # are those of the convolutions.
    "sep_3": lambda c: 2 * (9 * c + c * c + 2 * c),
    "sep_5": lambda c: 2 * (25 * c + c * c + 2 * c),
    "dil_3": lambda c: 9 * c + c * c + 2 * c,
    "dil_5": lambda c: 25 * c + c * c + 2 * c,
    "res_3": lambda c: (9 + 9) * c + c * c + 2 * c + 1,
    "res_5": lambda c: (25 + 9) * c + c * c + 2 * c + 1,
    "dense_3": lambda c: (1 + 2 + 3) * 9 * c + 1,
    "dense_5": lambda c: (1 + 2 + 3) * 25 * c + 1,
    "spatial_3": lambda c: 2 * 9,
    "channel_3": lambda c: 3 + 9 * c * c + 1,
    "conv_3": lambda c: 9 * c * c + 2 * c,
}
NOT_MULTIPLIED = {
    "sep": lambda c: 4 * c,
    "dil": lambda c: 2 * c,
    "res": lambda c: 2 * c + 1,
    "conv": lambda c: 2 * c,
}


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("channels", [8, 48])
def test_an_operator_has_as_many_parameters_and_operations_as_its_formula(name, channels):
    operator = OPERATORS[name](channels)
    assert count_parameters(operator) == SIZES[name](channels)
    others = NOT_MULTIPLIED.get(name.split("_")[0], lambda c: 1 if name != "spatial_3" else 0)(channels)
    macs = count_macs(operator, torch.zeros(1, channels, 16, 16))
    if name == "channel_3":  # its conv over the channels is done once a picture
        assert macs == 256 * 9 * channels**2 + 3 * channels
    else:
        assert macs == 256 * (SIZES[name](channels) - others)


@pytest.mark.parametrize("name", OPERATORS)
@torch.no_grad()
def test_evaluation_of_one_picture_leaves_the_statistics(name):
    operator = OPERATORS[name](4).eval()
    before = {key: value.clone() for key, value in operator.state_dict().items()}
    x = torch.randn(2, 4, 6, 6)
    torch.testing.assert_close(operator(x)[:1], operator(x[:1]))
    assert all(torch.equal(value, before[key]) for key, value in operator.state_dict().items())


def test_every_name_of_a_genotype_is_an_operator_and_ten_are_the_papers():
    assert tuple(OPERATORS) == OPERATOR_NAMES
    assert len(PAPER_OPERATORS) == 10
    assert set(OPERATORS) - set(PAPER_OPERATORS) == {"conv_3"}
    for name in OPERATORS:
        assert type(build_operator(name, 4)) is type(OPERATORS[name](4))


def test_an_unknown_operator_is_named_with_its_neighbour():
    with pytest.raises(RecipeError, match=r"no operator 'res_7'; did you mean 'res_.'\? Known operators: sep_3, "):
        build_operator("res_7", 8)
    with pytest.raises(RecipeError, match=r"no operator 'xyz'\. Known"):
        build_operator("xyz", 8)
