"""HAF and its genotypes: of the published parts' sizes, several images in training, one in evaluation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from imfuse.errors import RecipeError
from imfuse.lab.engine import torch_fuser
from imfuse.lab.models import build_model
from imfuse.lab.models.haf import HAF, HAFImages
from imfuse.lab.models.tim import TIMEnhancement, TIMFusion
from imfuse.lab.nn.genotype import CellGene
from imfuse.lab.nn.haf_genotype import HAFGenotype
from imfuse.lab.training.measure import check_margin

LOCAL = "w8 ffm csc(res_3) target csc(spatial_3) detail csc(dil_3)"
POOLING = "w8 ffm csc(res_3) target csc(spatial_3) detail csc(channel_3)"
BRANCHES = ("first", "second")
MULTISCALE = "w8 ffm csc(res_3) target cms(dil_3) detail"


def sources(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def awake(genotype: str) -> HAF:
    """A network whose statistics are no longer the first ones, and whose fused images are about grey."""
    torch.manual_seed(0)
    network = HAF(genotype)
    nn.init.constant_(network.branches.join.head[-1].bias, 0.5)
    with torch.no_grad():
        network(sources(2, 2, 16, 16))
    return network


def test_its_default_parts_are_the_networks_published_for_tim():
    count = sum(parameter.numel() for parameter in HAF().parameters())
    parts = (TIMFusion("full"), TIMEnhancement("infrared-visible"))
    assert count == sum(parameter.numel() for part in parts for parameter in part.parameters()) == 994_917 + 237_308


def test_it_computes_what_its_parts_compute_after_one_another():
    network, pair = HAF(), sources(1, 2, 16, 16)
    first, second = TIMFusion("full"), TIMEnhancement("infrared-visible")
    weights = network.state_dict()
    first.load_state_dict({name: value for name, value in weights.items() if not name.startswith("branches.")})
    second.load_state_dict({name.removeprefix("branches."): weights[name] for name in weights if "branches." in name})
    images = network(pair)
    first_fused = first(pair)
    fused, target, detail = second(pair[:, :1], pair[:, 1:], first_fused)
    for ours, expected in zip(images, (fused, first_fused, target, detail), strict=True):
        torch.testing.assert_close(ours, expected)


@torch.no_grad()
def test_evaluation_gives_the_fused_image_of_training():
    network, pair = awake(LOCAL).eval(), sources(2, 2, 16, 24)
    fused = network(pair)
    network.training = True  # of the network alone, so that its statistics stay
    torch.testing.assert_close(fused, network(pair).fused)


def test_every_weight_learns_from_the_images_of_training():
    network = HAF(LOCAL)
    images = network(sources(2, 2, 16, 16))
    assert isinstance(images, HAFImages)
    assert {image.shape for image in images} == {(2, 1, 16, 16)}
    torch.stack(images).square().mean().backward()
    gradients = {name: parameter.grad for name, parameter in network.named_parameters()}
    still = [name for name, gradient in gradients.items() if gradient is None or not gradient.any()]
    # The slopes at the end of each stem, because each cell begins with a rectifier, which hides them.
    assert still == ["trunk.stem.body.3.weight", *(f"branches.{name}.trunk.stem.body.4.weight" for name in BRANCHES)]


def test_the_order_of_the_sources_matters():
    network, pair = awake(LOCAL).eval(), sources(1, 2, 16, 16)
    assert (network(pair) - network(pair.flip(1))).abs().max() > 1e-4
    assert not network.symmetric
    assert not network.keeps_equal


def test_the_margin_holds_and_pooling_has_none():
    network = awake(LOCAL).eval()
    check_margin(network, network.margin, network.size_multiple)
    assert HAF(POOLING).margin is None
    assert (HAF(MULTISCALE).margin, HAF(MULTISCALE).size_multiple) == (None, 4)


@pytest.mark.parametrize("genotype", [LOCAL, POOLING, MULTISCALE])
def test_a_fuser_takes_pictures_of_any_size(genotype):
    fuser = torch_fuser(awake(genotype), ("infrared", "visible"))
    infrared = np.random.default_rng(0).integers(0, 256, (33, 47), np.uint8)
    visible = np.random.default_rng(1).integers(0, 256, (33, 47, 3), np.uint8)
    fused = fuser(infrared, visible)
    assert fused.shape == (33, 47, 3)
    assert fused.std() > 0


def test_a_genotype_is_its_text():
    text = "w16 ffm cms(res_3 dil_3) csc(dense_3) target csc(spatial_3 dil_3) detail"
    genotype = HAFGenotype.parse(text)
    assert str(genotype) == text
    assert HAFGenotype.parse(f"  w16  ffm {text[8:].replace(' ', '  ')}") == genotype
    assert genotype.ffm == (CellGene("cms", ("res_3", "dil_3")), CellGene("csc", ("dense_3",)))
    assert build_model("haf", genotype=text).genotype == genotype
    assert HAF(genotype).genotype == genotype


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ffm csc(res_3) target detail", "expected a text such as 'w48 ffm csc"),
        ("w8 ffm csc(res_3) target csc(dil_3)", "expected a text such as"),
        ("w7 ffm target detail", "width 7; expected an even number"),
        ("w8 ffm csc(res_4) target detail", "no operator 'res_4'; did you mean 'res_"),
        ("w8 ffm csa(res_3) target detail", "no cell 'csa'"),
    ],
)
def test_what_is_no_genotype_is_refused(text, message):
    with pytest.raises(RecipeError, match=message):
        build_model("haf", genotype=text)
