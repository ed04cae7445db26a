"""Networks by genotype as graphs of free height and width: every cell, head and resolution translates."""

from __future__ import annotations

import pytest
import torch

from imfuse.errors import TrainingError
from imfuse.lab.models.searched import SearchedFusion
from imfuse.lab.models.tim import TIMFusion
from imfuse.lab.nn import cells, fusion_heads
from imfuse.lab.nn.genotype import OPERATOR_NAMES
from imfuse.lab.training.export import export_network
from imfuse.lab.training.graph import check_identity, check_parity, to_onnx
from imfuse.runtime.fuser import Fuser

SUCCESSIVE = [f"x1 w4 direct csc({' '.join(OPERATOR_NAMES)})", "x2 w4 blend csc(channel_3)"]


@torch.no_grad()
def awake(network: SearchedFusion) -> SearchedFusion:
    """Statistics and controls that have a say, in evaluation."""
    generator = torch.Generator().manual_seed(0)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_mean") or "controls.heads" in name:
            tensor.normal_(0, 0.3, generator=generator)
        elif name.endswith("running_var"):
            tensor.uniform_(0.3, 2, generator=generator)
    return network.eval()


def translated(genotype: str) -> tuple[SearchedFusion, bytes]:
    """A network and its graph, which computes the same at several sizes."""
    torch.manual_seed(0)
    network = awake(SearchedFusion(genotype))
    graph = to_onnx(network, multiple=network.size_multiple, symmetric=False)
    assert check_parity(network, graph, multiple=network.size_multiple, symmetric=False) < 1e-5
    return network, graph


@pytest.mark.parametrize("genotype", SUCCESSIVE)
def test_operators_translate_at_any_resolution(genotype):
    translated(genotype)


def test_a_multi_scale_cell_translates():
    translated("x1 w4 direct cms(spatial_3)")


def test_a_decomposition_cell_translates(monkeypatch):
    monkeypatch.setattr(cells, "RADII", (2,))  # one guided filter in place of six, which differ in numbers alone
    monkeypatch.setattr(cells, "EPSILONS", (1e-3,))
    translated("x2 w4 direct cdc(conv_3)")


def test_a_pyramid_head_translates_and_gives_equal_sources_back(monkeypatch):
    monkeypatch.setattr(fusion_heads, "LEVELS", 3)
    network, graph = translated("x4 w4 pyramid csc(spatial_3)")
    assert check_identity(graph, multiple=network.size_multiple, symmetric=False) < 1e-5


def test_a_direct_head_changes_equal_sources_and_says_so(recipe, tmp_path):
    torch.manual_seed(0)
    network = awake(TIMFusion("light"))
    card = export_network(network, tmp_path, recipe, described="tim(variant='light')")
    assert (card.margin, card.parameters, card.network) == (None, 127_358, "tim(variant='light')")
    assert card.equal_sources_error > 100  # it was never trained
    assert Fuser.load(tmp_path).rule.margin is None
    with pytest.raises(TrainingError, match=r"equal sources come back changed.* keeps_equal = False"):
        check_identity((tmp_path / "model.onnx").read_bytes(), multiple=2, symmetric=False)
