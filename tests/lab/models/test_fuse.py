"""The joins of the learned pyramid can be chosen; the default is the sum that bundled models were trained with."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from imfuse.errors import RecipeError, TrainingError
from imfuse.lab.models import build_model
from imfuse.lab.models.learned_pyramid import LearnedPyramid
from imfuse.lab.nn.feature_fusion import FUSE
from imfuse.lab.training.export import export_network
from imfuse.lab.training.graph import check_parity, to_onnx
from imfuse.lab.training.measure import check_margin
from imfuse.lab.training.network import recipe_network
from imfuse.lab.training.recipe_files import read_recipe
from imfuse.runtime.fuser import Fuser

ZOO = Path(str(files("imfuse"))) / "zoo"
BUNDLED = sorted(folder.name for folder in ZOO.iterdir() if (folder / "card.json").is_file())
POOLING = sorted(name for name, block in FUSE.items() if getattr(block, "pools_globally", False))
LOCAL = sorted(set(FUSE) - set(POOLING))
RECIPES = Path(__file__).parents[3] / "recipes"


def awake(fuse, **options) -> LearnedPyramid:
    """A network whose heads are no longer zero, so that its joins have a say."""
    torch.manual_seed(0)
    network = LearnedPyramid(**{"levels": 3, "width": 8, **options}, fuse=fuse)
    for head in network.context.heads:
        nn.init.normal_(head.weight, 0, 0.2)
    return network.eval()


@pytest.mark.parametrize("name", BUNDLED)
@torch.no_grad()
def test_bundled_weights_load_and_compute_what_the_bundled_graph_does(name):
    network = recipe_network(read_recipe(RECIPES / f"{name}.yaml")).eval()
    network.load_state_dict(load_file(ZOO / name / "model.safetensors"), strict=True)
    side = network.size_multiple
    sources = torch.rand(1, 2, 2 * side, 3 * side, generator=torch.Generator().manual_seed(0))
    session = onnxruntime.InferenceSession(ZOO / name / "model.onnx", providers=["CPUExecutionProvider"])
    expected = torch.from_numpy(session.run(None, {"sources": sources.numpy()})[0])
    torch.testing.assert_close(network(sources), expected, atol=1e-4, rtol=0)


class Sum(nn.Module):
    """The plain sum, written again."""

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        return fine + coarse


@torch.no_grad()
def test_the_default_is_the_sum_and_has_no_weights():
    assert not [key for key in awake("add").state_dict() if "join" in key]
    sources = torch.rand(1, 2, 32, 48)
    for fuse in (Sum, Sum(8)):
        torch.testing.assert_close(awake(fuse)(sources), awake("add")(sources), atol=0, rtol=0)


@pytest.mark.parametrize("fuse", FUSE)
@pytest.mark.parametrize("symmetric", [False, True])
@torch.no_grad()
def test_every_block_joins_and_equal_sources_still_come_back(fuse, symmetric):
    network = awake(fuse, symmetric=symmetric)
    source = torch.rand(1, 1, 32, 48)
    torch.testing.assert_close(network(source.expand(-1, 2, -1, -1)), source, atol=1e-4, rtol=0)
    sources = torch.rand(2, 2, 32, 48)
    assert network(sources).shape == (2, 1, 32, 48)
    if fuse != "add":
        assert not torch.allclose(network(sources), awake("add", symmetric=symmetric)(sources), atol=1e-5)


def test_every_join_has_weights_of_its_own():
    joins = LearnedPyramid(levels=4, width=8, fuse="aff").context.joins
    assert [join.channels for join in joins] == [8, 16]
    assert not {id(p) for p in joins[0].parameters()} & {id(p) for p in joins[1].parameters()}


@pytest.mark.parametrize("fuse", FUSE)
def test_the_joins_learn(fuse):
    network = awake(fuse).train()
    network(torch.rand(2, 2, 32, 32)).square().mean().backward()
    gradients = [p.grad for p in network.parameters()]
    assert all(gradient is not None and torch.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize("fuse", LOCAL)
def test_joins_at_positions_keep_the_margin(fuse):
    network = awake(fuse)
    check_margin(network, network.margin, network.size_multiple)


def test_joins_at_positions_export():
    network = awake("soft_spatial")
    graph = to_onnx(network, multiple=network.size_multiple, symmetric=False)
    check_parity(network, graph, multiple=network.size_multiple, symmetric=False)


@pytest.mark.parametrize("fuse", POOLING)
def test_joins_that_pool_take_the_margin_and_a_claim_of_one_is_refused(fuse):
    network = build_model("learned_pyramid", levels=3, width=4, fuse=fuse).eval()
    assert network.margin is None
    with pytest.raises(TrainingError, match=rf"^margin 64: {FUSE[fuse].__name__} pools over the whole.*to None"):
        check_margin(network, 64, network.size_multiple)


def test_joins_that_pool_export_and_the_model_is_not_tiled(tmp_path):
    network = awake("se", width=4)
    card = export_network(network, tmp_path, read_recipe(RECIPES / "ivif.yaml"))
    assert (card.margin, card.network, card.equal_sources_error) == (None, "LearnedPyramid", 0)
    sources = list(torch.rand(2, 96, 144, generator=torch.Generator().manual_seed(0)).numpy())
    fuser = Fuser.load(tmp_path, memory_mb=0.1)
    with torch.no_grad():
        expected = network(torch.from_numpy(np.stack(sources))[None]).clip(0, 1)[0, 0]
    np.testing.assert_allclose(fuser(*sources), expected, atol=1e-4)


@pytest.mark.parametrize("fuse", ["concat", "aff"])
def test_a_recipe_names_the_block(fuse):
    recipe = read_recipe(RECIPES / "ivif.yaml", {"model": {"options": {"fuse": fuse}}})
    assert {type(join) for join in recipe_network(recipe).context.joins} == {FUSE[fuse]}


@pytest.mark.parametrize(("fuse", "shown"), [("af", "'af'; did you mean 'aff'"), (["aff"], r"\['aff'\]; .*"), (3, "3")])
def test_an_unknown_block_in_a_recipe_is_named(fuse, shown):
    with pytest.raises(RecipeError, match=rf"^model\.options: fuse: no block {shown}"):
        recipe_network(read_recipe(RECIPES / "ivif.yaml", {"model": {"options": {"fuse": fuse}}}))


def test_one_picture_a_batch_is_refused_by_a_block_that_normalises_over_it():
    with pytest.raises(TrainingError, match=r"^AFF got a batch of one picture in training"):
        awake("aff").train()(torch.rand(1, 2, 32, 32))
