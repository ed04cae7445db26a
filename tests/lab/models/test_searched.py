"""Networks by genotype: any size through the Fuser, whole as in tiles, sane before training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from imfuse.errors import RecipeError
from imfuse.lab.engine import torch_fuser
from imfuse.lab.models import build_model
from imfuse.lab.models.learned_pyramid import LearnedPyramid
from imfuse.lab.models.searched import SearchedFusion
from imfuse.lab.nn.genotype import HEADS, KINDS, OPERATOR_NAMES, RESOLUTIONS, CellGene, Genotype
from imfuse.lab.training.measure import check_margin
from imfuse.runtime.fuser import Fuser
from imfuse.runtime.tiling import tiles


def awake(genotype: str) -> SearchedFusion:
    """Random weights everywhere, in evaluation."""
    torch.manual_seed(0)
    network = SearchedFusion(genotype).eval()
    for name, tensor in network.state_dict().items():
        if name.endswith("running_mean"):
            tensor.normal_(0, 0.1)
        elif name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
        elif "controls.heads" in name:
            tensor.normal_(0, 0.2)
    return network


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("cells", ["", "csc(spatial_3)", "cms(dil_3) cdc(conv_3)"])
def test_any_size_is_fused(head, resolution, cells):
    fuser = torch_fuser(awake(f"x{resolution} w4 {head} {cells}"), ("infrared", "visible"))
    random = np.random.default_rng(0)
    for height, width in ((1, 1), (1, 5), (3, 2), (33, 47)):
        infrared, visible = (random.random((height, width), dtype=np.float32) for _ in range(2))
        fused = fuser(infrared, visible)
        assert fused.shape == (height, width)
        assert np.isfinite(fused).all()


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize("head", HEADS)
def test_equal_sources_come_back_where_the_network_says_so(head, resolution):
    network = awake(f"x{resolution} w4 {head} cms(res_3) csc(channel_3)")
    source = np.random.default_rng(0).random((19, 30), dtype=np.float32)
    difference = np.abs(torch_fuser(network)(source, source) - source).max()
    assert network.keeps_equal == (head != "direct") == bool(difference < 1e-5)


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize(
    ("head", "cells"), [("direct", ""), ("blend", ""), ("direct", "csc(dil_5 spatial_3)"), ("blend", "cdc(conv_3)")]
)
def test_nothing_beyond_the_margin_changes_a_pixel_and_tiles_equal_the_whole(head, resolution, cells):
    network = awake(f"x{resolution} w4 {head} {cells}")
    check_margin(network, network.margin, network.size_multiple)
    fuser = torch_fuser(network)
    height, width = 3 * network.margin + 50, 3 * network.margin + 30
    sources = list(np.random.default_rng(0).random((2, height, width), dtype=np.float32))
    tiled = Fuser(fuser.engine, size_multiple=network.size_multiple, margin=network.margin, memory_mb=0.01)
    assert len(list(tiles(height, width, tiled.rule, 2, tiled.memory_mb))) > 1
    np.testing.assert_allclose(tiled(*sources), fuser(*sources), atol=1e-5)


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_a_pyramid_of_searched_features_keeps_its_margin(resolution):
    # What is no number spreads to all that depends on it, however little.
    network = awake(f"x{resolution} w2 pyramid csc(conv_3)")
    side, farthest = 1152, 0
    for column in range(side // 2, side // 2 + 32):
        sources = torch.rand(1, 2, 32, side)
        sources[..., column] = torch.nan
        with torch.no_grad():
            touched = torch.nonzero(network(sources)[0, 0, 0].isnan())
        assert 0 < touched.min() <= touched.max() < side - 1
        farthest = max(farthest, column - int(touched.min()), int(touched.max()) - column)
    assert farthest <= network.margin <= farthest + 4


@pytest.mark.parametrize("cells", ["cms(dil_3)", "csc(res_3 channel_3)", "csc(dil_3) cdc(channel_3)"])
def test_what_sees_the_whole_picture_has_no_margin(cells):
    assert SearchedFusion(f"x1 w4 direct {cells}").margin is None


@pytest.mark.parametrize(
    ("genotype", "multiple"),
    [
        ("x1 w4 direct csc(dil_3)", 2),
        ("x4 w4 blend", 8),
        ("x2 w4 direct cms(dil_3)", 8),
        ("x4 w4 blend csc(dil_3) cms(dil_3)", 16),
        ("x1 w4 pyramid cms(dil_3)", 32),
        ("x4 w4 pyramid cms(dil_3)", 32),
    ],
)
@torch.no_grad()
def test_sizes_are_multiples_of_what_cells_and_head_ask_for(genotype, multiple):
    network = awake(genotype)
    assert network.size_multiple == multiple
    assert network(torch.rand(2, 2, multiple, 3 * multiple)).shape == (2, 1, multiple, 3 * multiple)


@pytest.mark.parametrize("head", ["direct", "blend"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("operator", OPERATOR_NAMES)
def test_an_untrained_network_is_sane_and_all_of_it_learns(head, kind, operator):
    torch.manual_seed(0)
    cell = CellGene(kind, (operator, operator))
    network = SearchedFusion(Genotype((cell, cell), width=8, head=head))
    sources = torch.rand(2, 2, 16, 16)
    for training in (False, True):
        fused = network.train(training)(sources)
        assert fused.abs().max() < 2
    fused.square().mean().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@torch.no_grad()
def test_an_untrained_pyramid_of_searched_features_is_the_untrained_learned_pyramid(resolution):
    sources = torch.rand(1, 2, 64, 96)
    network = SearchedFusion(f"x{resolution} w4 pyramid csc(conv_3)").eval()
    torch.testing.assert_close(network(sources), LearnedPyramid()(sources))


@torch.no_grad()
def test_evaluation_of_one_picture_leaves_the_statistics_and_training_moves_them():
    network = awake("x1 w4 direct csc(res_3) cms(conv_3) cdc(sep_3)")
    before = {key: value.clone() for key, value in network.state_dict().items()}
    sources = torch.rand(2, 2, 8, 12)
    torch.testing.assert_close(network(sources[:1]), network(sources)[:1])
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    network.train()(sources)
    assert not torch.equal(
        network.state_dict()["trunk.cells.0.enter.2.running_mean"], before["trunk.cells.0.enter.2.running_mean"]
    )


def test_the_order_of_the_sources_matters():
    network = awake("x1 w4 direct csc(conv_3)")
    sources = torch.rand(1, 2, 8, 8)
    assert not network.symmetric
    assert not torch.allclose(network(sources), network(sources.flip(1)))


def test_a_seed_gives_the_same_network():
    def weights() -> torch.Tensor:
        torch.manual_seed(3)
        return nn.utils.parameters_to_vector(SearchedFusion("x2 w4 blend cms(res_3) cdc(dil_3)").parameters())

    assert torch.equal(weights(), weights())


def test_a_genotype_and_its_text_make_the_same_network():
    text = "x2 w6 blend csc(conv_3 spatial_3) cms(dil_3)"
    network, other = SearchedFusion(text), SearchedFusion(Genotype.parse(text))
    assert network.genotype == other.genotype == Genotype.parse(text)
    other.load_state_dict(network.state_dict())
    assert [key for key, _ in network.named_parameters()] == [key for key, _ in other.named_parameters()]


@pytest.mark.parametrize("genotype", ["x3 w8 direct", "x1 w7 direct", "x1 w8 magic", "w8 direct", "", 5, None])
def test_what_is_no_genotype_is_refused_with_its_text(genotype):
    with pytest.raises(RecipeError, match="genotype"):
        SearchedFusion(genotype)
    with pytest.raises(RecipeError, match=r"^model\.options: genotype"):
        build_model("searched", genotype=genotype)
