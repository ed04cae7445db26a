"""The parts of a genotype against the modules of its network."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
import torch
from torch import nn

from imfuse.lab.models.haf import HAF
from imfuse.lab.models.searched import SearchedFusion
from imfuse.lab.nn.genotype import OPERATOR_NAMES, Genotype
from imfuse.lab.nn.haf_genotype import HAFGenotype
from imfuse.lab.nn.operators import build_operator
from imfuse.lab.search.choices import sample
from imfuse.lab.search.haf_space import HAFSpace
from imfuse.lab.search.parts import Part, parts
from imfuse.lab.search.space import Space
from imfuse.lab.search.terms import space_parts, terms

KINDS = ("csc", "cms", "cdc")
SPACE = Space(KINDS, OPERATOR_NAMES, cells=(0, 1, 2), resolutions=(1, 2, 4), widths=(8, 16), heads=("direct", "blend"))
HAF_SPACE = HAFSpace(KINDS, ("res_3", "conv_3"), ffm=(1, 2), target=(0, 1), detail=(1,), widths=(8, 16))


def operators_run(network: nn.Module, classes: tuple[type, ...]) -> Counter[tuple[int, int]]:
    """Channels and height of the features of every operator, as they run on sources of 64 x 64."""
    seen: Counter[tuple[int, int]] = Counter()

    def note(_module: nn.Module, inputs: tuple[torch.Tensor, ...], _output: torch.Tensor) -> None:
        seen[inputs[0].shape[1], inputs[0].shape[2]] += 1

    for module in network.modules():
        if isinstance(module, classes):
            module.register_forward_hook(note)
    with torch.no_grad():
        network.eval()(torch.rand(1, 2, 64, 64))
    return seen


@pytest.mark.parametrize(
    "text", ["x1 w8 direct csc(res_3 dil_3)", "x2 w8 blend cms(res_3 spatial_3) cdc(dil_3)", "x4 w8 direct"]
)
def test_operators_are_where_the_network_has_them(text):
    genotype = Genotype.parse(text)
    classes = tuple({type(build_operator(name, 8)) for name in OPERATOR_NAMES})
    found = Counter((part.width, 64 // part.resolution) for part in parts(genotype) if part.kind == "operator")
    assert found == operators_run(SearchedFusion(genotype), classes)


def test_the_operators_of_haf_are_where_the_network_has_them():
    genotype = HAFGenotype.parse("w8 ffm cms(res_3) target csc(res_3 dil_3) detail cdc(spatial_3)")
    classes = tuple({type(build_operator(name, 8)) for name in OPERATOR_NAMES})
    found = Counter((part.width, 64 // part.resolution) for part in parts(genotype) if part.kind == "operator")
    assert found == operators_run(HAF(genotype), classes)
    assert Counter(part.kind for part in parts(genotype))["stem"] == 3


@pytest.mark.parametrize("space", [SPACE, HAF_SPACE])
def test_terms_whose_picks_a_genotype_has_are_its_parts(space):
    random, every = Random(0), list(terms(space))
    for _ in range(20):
        genotype = sample(space, random)
        picks = space.picks(genotype).items()
        assert Counter(part for needed, part in every if needed.items() <= picks) == Counter(parts(genotype))


def test_the_parts_of_a_space_are_there_once():
    found = space_parts(SPACE)
    assert len(found) == len(set(found))
    assert Part("operator", "conv_3", 64, 16) in found
    assert Part("operator", "conv_3", 64, 1) not in found
