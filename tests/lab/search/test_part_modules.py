"""The networks in which parts are timed, their graphs, and what is made of the times."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from imfuse.errors import SearchError
from imfuse.lab.nn.genotype import Genotype
from imfuse.lab.nn.haf_genotype import HAFGenotype
from imfuse.lab.nn.operators import ResidualBlock
from imfuse.lab.search.part_modules import Call, surroundings, time_of, with_part
from imfuse.lab.search.parts import CALL, Part, parts
from imfuse.lab.search.static_graphs import static_graphs

GENOTYPES = (
    *map(Genotype.parse, ["x4 w8 blend csc(res_3)", "x1 w8 pyramid cms(res_3)", "x2 w8 direct cdc(res_3)"]),
    HAFGenotype.parse("w8 ffm target detail"),
)
EVERY = sorted({part for genotype in GENOTYPES for part in parts(genotype)})


@pytest.mark.parametrize("part", EVERY, ids=str)
def test_a_part_and_its_surroundings_take_sources_and_give_one_map(part):
    sources = torch.rand(1, 2, 64, 96)
    whole = part.kind in ("call", "head", "join")
    step = 1 if whole else part.resolution
    assert with_part(part)(sources).shape == (1, 1, 64 // step, 96 // step)
    assert surroundings(part)(sources).shape == (1, 1, 64 // part.resolution, 96 // part.resolution)


def test_an_operator_sees_features_of_its_own_size():
    network, seen = with_part(Part("operator", "res_3", 16, 4)), []
    operator = next(module for module in network.modules() if isinstance(module, ResidualBlock))
    operator.register_forward_hook(lambda _module, inputs, _output: seen.append(tuple(inputs[0].shape)))
    network(torch.rand(1, 2, 64, 96))
    assert seen == [(1, 16, 16, 24)]


def test_times_of_a_network_whose_layers_simply_add_up_are_found_again():
    call, enter, leave = 1.0, 0.5, 0.3
    true = {"stem": 4.0, "cell": 6.0, "operator": 2.0, "head": 5.0}
    alone = {
        "stem": call + true["stem"] + leave,
        "cell": call + enter + true["cell"] + leave,
        "operator": call + enter + true["operator"] + leave,
        "head": call + enter + true["head"],
    }
    without = call + enter + leave
    found = time_of(CALL, alone=call, without=call, call=call)
    for kind in ("stem", "cell", "operator", "head"):
        found += time_of(Part(kind, kind, 8, 1), alone=alone[kind], without=without, call=call)
    assert found == pytest.approx(call + sum(true.values()))


def test_a_part_that_seems_faster_than_nothing_takes_no_time():
    assert time_of(Part("operator", "res_3", 8, 1), alone=1.0, without=1.1, call=0.5) == 0


def test_graphs_made_side_by_side_compute_what_their_networks_do():
    torch.manual_seed(0)
    some = [Call(), with_part(Part("operator", "conv_3", 8, 2)), with_part(Part("head", "blend", 8, 2))]
    graphs = static_graphs([network.eval() for network in some], 16, 24)
    sources = torch.rand(1, 2, 16, 24)
    for network, graph in zip(some, graphs, strict=True):
        session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
        (found,) = session.run(None, {"sources": sources.numpy()})
        with torch.no_grad():
            np.testing.assert_allclose(np.asarray(found), network(sources).numpy(), atol=1e-5)


def test_a_network_that_cannot_be_translated_is_refused():
    class Sorting(nn.Module):
        def forward(self, sources: torch.Tensor) -> torch.Tensor:
            return sources[:, :1] if float(sources.sum()) > 0 else sources[:, 1:]

    with pytest.raises(SearchError, match="cannot be translated to ONNX to be timed"):
        static_graphs([Sorting()], 8, 8)
