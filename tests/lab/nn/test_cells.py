"""Cells by their definitions: what they hand to their operators, how they join, how far they reach."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest
import torch
from torch import nn

from imfuse.classical.guided import guided_filter
from imfuse.lab.nn.cells import CDC, CELLS, CMS, CSC, EnhancedResidual, SelectiveKernel, build_cell, reach
from imfuse.lab.nn.feature_fusion import count_parameters, pooling_blocks
from imfuse.lab.nn.genotype import KINDS, OPERATOR_NAMES, CellGene
from imfuse.lab.nn.operators import OPERATORS, DilatedConv, ResidualBlock
from imfuse.lab.nn.scales import Down, Up

SMALLEST = {"csc": (1, 1), "cdc": (1, 1), "cms": (4, 4)}


def maps(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def nothing(_channels: int) -> nn.Module:
    return nn.Identity()


@torch.no_grad()
def test_a_successive_cell_enters_by_relu_conv_and_norm_and_runs_its_operators_in_order(awake):
    cell = awake(CSC(6, [OPERATORS["spatial_3"], OPERATORS["dil_3"]]))
    x = maps(2, 6, 9, 7)
    conv, norm = cell.enter[1], cell.enter[2]
    entered = torch.einsum("oi,bihw->bohw", conv.weight[..., 0, 0], x.clamp(min=0))
    values = (values[:, None, None] for values in (norm.running_mean, norm.running_var, norm.weight, norm.bias))
    mean, variance, weight, bias = values
    entered = (entered - mean) / (variance + 1e-5).sqrt() * weight + bias
    spatial, dilated = cell.operators
    torch.testing.assert_close(cell(x), dilated(spatial(entered)))


@torch.no_grad()
def test_a_multi_scale_cell_runs_its_operators_on_three_sizes_with_more_channels_on_smaller_ones():
    seen = []

    def note(channels: int) -> nn.Module:
        layer = nn.Identity()
        layer.register_forward_hook(lambda _m, _i, made: seen.append((channels, tuple(made.shape[1:]))))
        return layer

    CMS(4, [note]).eval()(torch.rand(1, 4, 16, 8))
    assert seen == [(4, (4, 16, 8)), (8, (8, 8, 4)), (16, (16, 4, 2))]


@torch.no_grad()
def test_a_multi_scale_cell_adds_the_selected_scales_to_what_entered(awake):
    cell = awake(CMS(8, [nothing]))
    x = maps(2, 8, 8, 12)
    entered = cell.enter(x)
    half = cell.from_half(cell.to_half(entered))
    quarter = cell.from_quarter(cell.to_quarter(entered))
    torch.testing.assert_close(cell(x), entered + cell.select([entered, half, quarter]))
    kinds = [
        [type(step).__name__ for step in path.modules() if isinstance(step, (Down, Up))] for path in cell.children()
    ]
    assert list(chain.from_iterable(kinds)) == ["Down", "Down", "Down", "Up", "Up", "Up"]
    assert len({id(p) for p in cell.parameters()}) == len(list(cell.parameters()))


@torch.no_grad()
def test_equal_maps_come_through_a_selection_as_the_weights_of_each_channel_sum_to_one(awake):
    select, x = awake(SelectiveKernel(16, 3)), maps(2, 16, 5, 6)
    torch.testing.assert_close(select([x, x, x]), x)


@torch.no_grad()
def test_a_selection_weighs_by_the_softmax_over_the_maps(awake):
    select, stacked = awake(SelectiveKernel(16, 3)), maps(3, 2, 16, 5, 6)
    pooled = stacked.numpy().sum(0).mean((2, 3))
    hidden = pooled @ select.squeeze[0].weight[..., 0, 0].numpy().T
    assert hidden.shape == (2, 2)  # an eighth of the channels
    hidden = np.where(hidden > 0, hidden, float(select.squeeze[1].weight) * hidden)
    scores = np.stack([hidden @ excite.weight[..., 0, 0].numpy().T for excite in select.excite])
    weights = np.exp(scores) / np.exp(scores).sum(0)
    expected = (weights[..., None, None] * stacked.numpy()).sum(0)
    np.testing.assert_allclose(select(list(stacked)).numpy(), expected, atol=1e-10)


@torch.no_grad()
def test_a_decomposition_cell_hands_six_smoothed_maps_and_what_they_left_to_its_bands(awake):
    cell, x, seen = awake(CDC(3, [nothing])), maps(1, 3, 56, 52), []
    for compress in cell.compress:
        compress.register_forward_hook(lambda _m, inputs, _o: seen.append(inputs[0][0].numpy()))
    cell(x)
    low, high = seen
    image = x[0].numpy()
    guide = (image.max(0) - image.min(0)).astype(np.float32)
    inside = np.s_[16:-16, 16:-16]
    order = [(radius, epsilon) for radius in (2, 4, 8) for epsilon in (1e-3, 1e-4)]
    assert low.shape == high.shape == (18, 56, 52)
    for index, (radius, epsilon) in enumerate(order):
        for channel in range(3):
            smooth = guided_filter(guide, image[channel].astype(np.float32), radius, epsilon)
            np.testing.assert_allclose(low[3 * index + channel][inside], smooth[inside], atol=1e-4)
    np.testing.assert_allclose(low + high, np.tile(image, (6, 1, 1)), atol=1e-12)


@torch.no_grad()
def test_a_decomposition_cell_joins_its_bands_by_conv_and_enhanced_residual(awake):
    cell, x, bands = awake(CDC(4, [OPERATORS["res_3"]])), maps(1, 4, 9, 9), []
    for operators in cell.operators:
        operators.register_forward_hook(lambda _m, _i, made: bands.append(made))
    made = cell(x)
    joined = torch.einsum("oi,bihw->bohw", cell.join.weight[..., 0, 0], torch.cat(bands, 1))
    torch.testing.assert_close(made, cell.refine(joined))


@torch.no_grad()
def test_flat_features_have_no_high_frequencies(awake):
    cell, seen = awake(CDC(3, [nothing])), []
    cell.compress[1].register_forward_hook(lambda _m, inputs, _o: seen.append(inputs[0]))
    cell(torch.tensor([5.0, -2, 100])[None, :, None, None].expand(1, 3, 6, 6).double())
    assert seen[0].abs().max() < 1e-9


def test_an_enhanced_residual_has_its_three_dilated_depthwise_filters(awake, reach):
    block = EnhancedResidual(4)
    assert count_parameters(block) == (25 + 9 + 9) * 4 + 16 + 8 + 1
    assert reach(awake(block), (1, 4, 25, 25)) == block.radius == 2 * 2 + 2 + 2
    nn.init.zeros_(block.body[-2].weight)
    nn.init.zeros_(block.body[-2].bias)
    x = maps(1, 4, 5, 5)
    assert torch.equal(block(x), x)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("names", [("conv_3",), ("spatial_3", "dil_3")])
def test_a_cell_reaches_as_far_as_it_says(kind, names, awake, reach):
    cell = awake(build_cell(CellGene(kind, names), 4))
    if kind == "cms":  # but for the means
        nn.init.zeros_(cell.select.squeeze[0].weight)
    side = 4 * (cell.radius // 2 + 3)
    period = cell.size_multiple
    assert reach(cell, (1, 4, side, side), period=period) == cell.radius


def test_the_reach_of_a_chain_is_the_sum_of_what_says_its_radius():
    assert reach(nn.Sequential(ResidualBlock(4, 5), nn.ReLU(), DilatedConv(4, 5))) == 4 + 4


def test_what_pools_over_the_picture_says_so():
    assert pooling_blocks(CMS(4, [nothing])) == ["CMS"]
    assert pooling_blocks(CSC(4, [OPERATORS["channel_3"]])) == ["ChannelAttention"]
    assert not pooling_blocks(nn.Sequential(CSC(4, [OPERATORS["dil_3"]]), CDC(4, [OPERATORS["spatial_3"]])))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", OPERATOR_NAMES)
def test_a_cell_keeps_the_shape_and_all_of_it_learns(kind, name):
    torch.manual_seed(0)
    cell = build_cell(CellGene(kind, (name, name)), 4)
    x = torch.randn(2, 4, 8, 12, requires_grad=True)
    made = cell(x)
    assert made.shape == x.shape
    made.square().sum().backward()
    for tensor in (x, *cell.parameters()):
        assert tensor.grad is not None
        assert torch.isfinite(tensor.grad).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", OPERATOR_NAMES)
@torch.no_grad()
def test_a_cell_takes_its_smallest_size_alone_and_leaves_its_statistics(kind, name, awake):
    cell = awake(build_cell(CellGene(kind, (name,)), 4))
    before = {key: value.clone() for key, value in cell.state_dict().items()}
    x = maps(2, 4, *SMALLEST[kind])
    together = cell(x)
    assert together.shape == x.shape
    assert torch.isfinite(together).all()
    torch.testing.assert_close(cell(x[:1]), together[:1])
    assert all(torch.equal(value, before[key]) for key, value in cell.state_dict().items())


@pytest.mark.parametrize("kind", ["csc", "cdc"])
@torch.no_grad()
def test_cells_of_one_scale_take_odd_sizes(kind, awake):
    cell = awake(build_cell(CellGene(kind, ("res_5", "dense_3")), 4))
    assert cell.size_multiple == 1
    for size in ((1, 5), (7, 3)):
        assert cell(maps(1, 4, *size)).shape == (1, 4, *size)


def test_every_kind_of_a_genotype_is_a_cell():
    assert set(CELLS) == set(KINDS)
    for kind, cell in CELLS.items():
        assert type(build_cell(CellGene(kind, ("dil_3",)), 4)) is cell


def test_cells_have_the_sizes_of_their_formulas():
    c = 48
    down = lambda c: 14 * c * c + 2  # noqa: E731 (conv 1, conv 3, two conv 1 to twice the channels; two PReLUs)
    up = lambda c: 11 * c * c + 2  # noqa: E731 (the same, but two conv 1 to half the channels)
    enter = c * c + 2 * c
    select = 4 * c * (c // 8) + 1
    assert count_parameters(CSC(c, [nothing])) == enter
    assert count_parameters(CMS(c, [nothing])) == (
        enter + 2 * down(c) + down(2 * c) + 2 * up(2 * c) + up(4 * c) + select
    )
    refine = (25 + 9 + 9) * c + c * c + 2 * c + 1
    assert count_parameters(CDC(c, [nothing])) == 2 * 6 * c * c + 2 * c * c + refine
