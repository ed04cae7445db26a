"""TIM's networks have the sizes that are known of them, and are what their genotypes say."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from imfuse.errors import RecipeError
from imfuse.lab.engine import torch_fuser
from imfuse.lab.models import build_model
from imfuse.lab.models.searched import SearchedFusion
from imfuse.lab.models.tim import ENHANCEMENT, FUSION, TIMEnhancement, TIMFusion
from imfuse.lab.nn.branches import ConcatenatedJoin, MaskedJoin
from imfuse.lab.nn.feature_fusion import count_macs, count_parameters

SIDE = 64
THREE = [torch.zeros(1, 1, SIDE, SIDE)] * 3


@pytest.mark.parametrize(
    ("make", "inputs", "parameters", "macs"),
    [
        (lambda: TIMFusion("full"), [torch.zeros(1, 2, SIDE, SIDE)], 994_917, 273_696),
        (lambda: TIMEnhancement("infrared-visible"), THREE, 237_308, 236_019),
        (lambda: TIMFusion("light"), [torch.zeros(1, 2, SIDE, SIDE)], 127_358, 126_744),
    ],
    ids=["full", "enhancement", "light"],
)
def test_sizes_are_those_known(make, inputs, parameters, macs):
    network = make()
    assert count_parameters(network) == parameters
    assert round(count_macs(network, *inputs) / SIDE**2) == macs


def test_the_full_network_has_a_multi_scale_and_a_successive_cell_and_the_light_one_two_successive():
    found = {name: [(cell.kind, cell.operators) for cell in TIMFusion(name).genotype.cells] for name in FUSION}
    assert found == {
        "full": [("cms", ("res_3", "dil_3")), ("csc", ("dense_3", "dil_3"))],
        "light": [("csc", ("res_3", "channel_3"))] * 2,
    }


@pytest.mark.parametrize("variant", FUSION)
@torch.no_grad()
def test_the_fusion_network_is_that_of_its_genotype(variant):
    network = TIMFusion(variant).eval()
    other = SearchedFusion(FUSION[variant]).eval()
    other.load_state_dict(network.state_dict(), strict=True)
    sources = torch.rand(1, 2, 12, 16)
    assert torch.equal(network(sources), other(sources))
    assert build_model("tim", variant=variant).size_multiple == network.size_multiple


@pytest.mark.parametrize("variant", FUSION)
def test_the_fusion_network_ends_in_convolutions_without_activation(variant):
    layers = [layer for layer in TIMFusion(variant).head.modules() if not list(layer.children())]
    assert [type(layer).__name__ for layer in layers] == ["Conv2d", "PReLU", "Conv2d", "Conv2d"]
    assert [layer.out_channels for layer in layers if isinstance(layer, nn.Conv2d)] == [48, 24, 1]


@pytest.mark.parametrize("variant", FUSION)
def test_the_fusion_network_takes_any_size(variant):
    fuser = torch_fuser(TIMFusion(variant), ("infrared", "visible"))
    for size in ((1, 1), (5, 7), (18, 11)):
        fused = fuser(*torch.rand(2, *size).numpy())
        assert fused.shape == size


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("infrared-visible", ["SpatialAttention", "DilatedConv"], ["ChannelAttention", "SpatialAttention"]),
        ("ct-mri", ["ResidualBlock", "SpatialAttention"], ["ResidualBlock", "ResidualBlock"]),
        ("pet-mri", ["ResidualBlock", "ResidualBlock"], ["SeparableConv", "ResidualBlock"]),
        ("spect-mri", ["ResidualBlock", "SpatialAttention"], ["ResidualBlock", "DenseBlock"]),
    ],
)
def test_each_branch_of_an_enhancement_network_has_two_cells_of_its_operators(name, first, second):
    network = TIMEnhancement(name)
    for branch, expected in ((network.first, first), (network.second, second)):
        for cell in branch.trunk.cells:
            assert [type(operator).__name__ for operator in cell.operators] == expected
        assert len(branch.trunk.cells) == 2


def test_kernels_of_the_medical_networks():
    # The side of the first convolution of each operator: 5 in the names, but for those that the paper gives 3.
    sides = {
        name: [
            [
                next(m for m in operator.modules() if isinstance(m, nn.Conv2d)).kernel_size[0]
                for operator in cell.operators
            ]
            for cell in (network.first.trunk.cells[0], network.second.trunk.cells[0])
        ]
        for name in ENHANCEMENT
        for network in [TIMEnhancement(name)]
        if name.endswith("mri")
    }
    assert sides == {"ct-mri": [[5, 3], [5, 5]], "pet-mri": [[3, 5], [3, 5]], "spect-mri": [[3, 3], [5, 3]]}


@pytest.mark.parametrize("name", ENHANCEMENT)
@torch.no_grad()
def test_infrared_and_visible_meet_by_a_mask_and_medical_images_by_concatenation(name):
    medical = name.endswith("mri")
    network = TIMEnhancement(name).eval()
    assert type(network.join) is (ConcatenatedJoin if medical else MaskedJoin)
    assert type(TIMEnhancement(name, masked=medical).join) is (MaskedJoin if medical else ConcatenatedJoin)
    made = network(*torch.rand(3, 1, 1, 6, 8))
    for image in made[1:] if not medical else made:
        assert image.abs().max() < 1
    assert made.fused.shape == (1, 1, 6, 8)


@torch.no_grad()
def test_an_enhancement_network_takes_the_operators_of_its_branches():
    network, named = TIMEnhancement([["spatial_3", "dil_3"], ["channel_3", "spatial_3"]]), TIMEnhancement()
    network.load_state_dict(named.state_dict(), strict=True)
    sources = torch.rand(3, 1, 1, 6, 8)
    assert torch.equal(network.eval()(*sources).fused, named.eval()(*sources).fused)


def test_training_reaches_the_fused_image_that_was_enhanced():
    A, B, fused = torch.rand(3, 2, 1, 8, 8)
    fused.requires_grad_()
    TIMEnhancement()(A, B, fused).fused.mean().backward()
    assert torch.isfinite(fused.grad).all()
    assert fused.grad.abs().max() > 0


def test_what_is_unknown_is_named():
    with pytest.raises(RecipeError, match="variant 'heavy'; expected one of full, light"):
        TIMFusion("heavy")
    with pytest.raises(RecipeError, match=r"^model\.options: variant 'heavy'"):
        build_model("tim", variant="heavy")
    with pytest.raises(RecipeError, match=r"operators 'mri'; expected .* infrared-visible, ct-mri, pet-mri, spect-mri"):
        TIMEnhancement("mri")
    with pytest.raises(RecipeError, match="no operator 'res_7'"):
        TIMEnhancement([["res_7"], ["res_3"]])
    for branches in ([["res_3"]], [["res_3"]] * 3):
        with pytest.raises(RecipeError, match=f"operators of {len(branches)} branches; expected those of two"):
            TIMEnhancement(branches)
