"""The networks of a space, and the objectives that they are searched by."""

from __future__ import annotations

import pytest
import torch
from lightning_fabric import Fabric

from imfuse.errors import RecipeError
from imfuse.lab.models.searched import SearchedFusion
from imfuse.lab.nn.genotype import Genotype
from imfuse.lab.search.haf_space import HAFSpace
from imfuse.lab.search.haf_supernet import HAFSupernet
from imfuse.lab.search.networks import make_network, make_supernet, stage_objectives
from imfuse.lab.search.supernet import Supernet

CPU = Fabric(accelerator="cpu", devices=1)


def test_the_supernet_is_relaxed_as_the_recipe_says(tiny, change):
    supernet = make_supernet(change(tiny, gradient={"relaxation": "softmax", "temperature": 0.5}))
    assert isinstance(supernet, Supernet)
    assert (supernet.relaxation, supernet.temperature, supernet.space) == ("softmax", 0.5, tiny.space)
    haf = HAFSpace(("csc",), ("conv_3", "dil_3"), 1, ffm=(1,), target=(0,), detail=(0,), widths=(4,))
    assert isinstance(make_supernet(change(tiny, haf=haf)), HAFSupernet)


def test_a_network_is_that_of_its_genotype():
    genotype = Genotype.parse("x1 w4 blend csc(conv_3)")
    network, expected = make_network(genotype), SearchedFusion(genotype)
    assert type(network) is SearchedFusion
    assert [p.shape for p in network.parameters()] == [p.shape for p in expected.parameters()]


def test_without_stages_of_an_image_there_is_one_objective_of_all_terms(tiny):
    objectives = stage_objectives(tiny, CPU)
    assert list(objectives) == [""]
    fused = torch.zeros(1, 1, 8, 8)
    total, terms = objectives[""](fused, fused.expand(1, 2, 8, 8) + 0.25)
    assert float(total) == pytest.approx(float(terms["max_intensity"])) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        ({"sim": 1.0}, r"field objective: no loss 'sim'; did you mean 'ssim'"),
        ({"gradient": {"weight": 1.0, "operator": "prewitt"}}, r"field objective\.gradient: .*'prewitt'"),
        ({"mae": {"weight": 1.0, "image": "mask"}}, r"field objective\.mae: .*no image 'mask'"),
    ],
)
def test_a_term_that_cannot_be_measured_is_named(tiny, change, objective, message):
    with pytest.raises(RecipeError, match=message):
        stage_objectives(change(tiny, objective=objective), CPU)
