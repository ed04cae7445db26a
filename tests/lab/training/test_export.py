"""Export: a graph of free size that computes the same, a card that tells the truth, refusals that say why."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from imfuse.errors import ImageWriteError, TrainingError
from imfuse.lab.models import LearnedPyramid
from imfuse.lab.training import graph
from imfuse.lab.training.export import export_network, export_run
from imfuse.lab.training.loop import train
from imfuse.lab.training.measure import check_margin, macs_per_pixel
from imfuse.runtime.card import ModelCard, file_sha256
from imfuse.runtime.fuser import Fuser


class Symmetric(nn.Module):
    """Mean over any number of sources, weighted by their blurred brightness."""

    size_multiple = 1
    margin = 1
    symmetric = True

    def __init__(self) -> None:
        super().__init__()
        self.score = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, sources: Tensor) -> Tensor:
        _, count, height, width = sources.shape
        score = self.score(sources.reshape(count, 1, height, width)).reshape(1, count, height, width)
        return (torch.softmax(score, dim=1) * sources).sum(dim=1, keepdim=True)


class Blur(nn.Module):
    """A blur of radius 2 in both sources, plus `leak` times the mean of the whole image."""

    size_multiple = 2
    symmetric = False

    def __init__(self, margin: int | None, leak: float = 0.0, keeps_equal: bool = True) -> None:
        super().__init__()
        self.margin, self.leak, self.keeps_equal = margin, leak, keeps_equal
        self.blur = nn.Conv2d(2, 1, 5, padding=2)

    def forward(self, sources: Tensor) -> Tensor:
        return self.blur(sources) + self.leak * sources.mean()


@pytest.fixture(scope="module")
def exported(recipe, make_network, objective, tmp_path_factory):
    """A training of the small network and its export: the run, the model's folder and the card."""
    run, folder = tmp_path_factory.mktemp("run"), tmp_path_factory.mktemp("model")
    train(recipe, run, network=make_network(), objective=objective)
    return run, folder, export_run(run, folder, licence="Apache-2.0", network=make_network())


def test_the_graph_takes_any_multiple_of_its_size_and_computes_the_same(exported, make_network):
    run, folder, _ = exported
    network = make_network()
    network.load_state_dict(load_file(run / "weights.safetensors"))
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    for height, width in ((2, 2), (6, 38), (94, 50), (480, 640)):
        sources = torch.rand(1, 2, height, width)
        found = session.run(None, {"sources": sources.numpy()})[0]
        assert found.shape == (1, 1, height, width)
        with torch.no_grad():
            assert abs(found - network(sources).numpy()).max() < 1e-4


def test_the_card_tells_what_was_exported(exported, recipe):
    run, folder, card = exported
    assert ModelCard.read(folder) == card
    assert card.sha256 == file_sha256(folder / "model.onnx")
    assert (card.name, card.sources, card.task) == ("tiny", ("infrared", "visible"), recipe.task)
    assert (card.size_multiple, card.margin, card.symmetric) == (2, 9, False)
    assert card.parameters == (8 * 9 + 1) * 6 + (6 * 9 + 1) * 4
    # At half resolution, so a quarter of the operations for each pixel.
    assert card.macs_per_pixel == round((8 * 9 * 6 + 6 * 9 * 4) / 4)
    assert card.licence == "weights: Apache-2.0; data: smooth: public domain"
    assert (card.data, card.recipe) == (("smooth",), "tiny.yaml")
    assert (card.network, card.remark, card.equal_sources_error) == ("TinyNetwork", "", 0.0)
    weights = load_file(folder / "model.safetensors")
    for name, value in load_file(run / "weights.safetensors").items():
        assert torch.equal(weights[name], value)


def test_the_graph_is_valid_modern_and_tells_nothing_of_the_machine(exported):
    model = onnx.load(exported[1] / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version >= 17
    assert b".py" not in model.SerializeToString()


def test_weights_of_16_bits_are_kept_in_half_the_size_and_are_those_of_the_graph(recipe, tmp_path):
    network = Symmetric()
    export_network(network, tmp_path / "whole", recipe)
    export_network(network, tmp_path / "half", recipe, half=True)
    kept = load_file(tmp_path / "half" / "model.safetensors")
    assert {tensor.dtype for tensor in kept.values()} == {torch.float16}
    assert network.score.weight.dtype == torch.float32
    rounded = Symmetric()
    rounded.load_state_dict(kept)
    assert not torch.equal(rounded.score.weight, network.score.weight)
    sources = torch.rand(1, 2, 7, 9)
    session = onnxruntime.InferenceSession(tmp_path / "half" / "model.onnx")
    fused = torch.from_numpy(session.run(None, {"sources": sources.numpy()})[0])
    torch.testing.assert_close(fused, rounded(sources).detach(), atol=1e-6, rtol=0)


def test_a_symmetric_network_takes_any_number_of_sources(recipe, tmp_path):
    network = Symmetric()
    assert export_network(network, tmp_path, recipe).symmetric
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    for count in (2, 4, 7):
        sources = torch.rand(1, count, 9, 5)
        found = session.run(None, {"sources": sources.numpy()})[0]
        assert abs(found - network(sources).detach().numpy()).max() < 1e-4


def test_an_unfinished_training_exports_the_average_of_its_checkpoint(exported, make_network, tmp_path):
    run, folder, _ = exported
    shutil.copy(run / "recipe.yaml", tmp_path)
    shutil.copy(run / "checkpoint.safetensors", tmp_path)
    export_run(tmp_path, tmp_path / "model", network=make_network(), name="other")
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    assert ModelCard.read(tmp_path / "model").name == "other"


def test_a_margin_that_is_too_small_is_refused_and_nothing_is_written(recipe, tmp_path):
    check_margin(Blur(margin=2), 2, 2)
    with pytest.raises(TrainingError, match="margin 1: a fused pixel changes"):
        export_network(Blur(margin=1), tmp_path / "model", recipe)
    with pytest.raises(TrainingError, match="margin 2"):
        check_margin(Blur(margin=2, leak=1e-2), 2, 2)
    assert not (tmp_path / "model").exists()


def test_a_graph_that_computes_something_else_is_refused(recipe, tmp_path, monkeypatch):
    wrong = graph.to_onnx(Blur(2).eval(), multiple=2, symmetric=False)
    monkeypatch.setattr("imfuse.lab.training.export.to_onnx", lambda *_, **__: wrong)
    with pytest.raises(TrainingError, match=r"differs from the network by"):
        export_network(Blur(2), tmp_path / "model", recipe)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("shift", [-3 / 255, 3 / 255])
def test_a_network_that_changes_what_its_sources_share_is_refused(recipe, tmp_path, make_network, shift):
    network = make_network()
    network.register_forward_hook(lambda _network, _inputs, fused: fused + shift)
    with pytest.raises(TrainingError, match=r"2 equal sources come back changed by up to 3\.0 / 255"):
        export_network(network, tmp_path / "model", recipe)
    assert not (tmp_path / "model").exists()


def test_a_network_that_says_so_may_change_equal_sources_and_the_card_tells_by_how_much(recipe, tmp_path, make_network):
    network = make_network()
    network.keeps_equal = False
    network.register_forward_hook(lambda _network, _inputs, fused: fused - 20 / 255)
    assert export_network(network, tmp_path, recipe).equal_sources_error == 20.0
    network.register_forward_hook(lambda _network, _inputs, fused: fused / 0)
    endless = graph.to_onnx(network.eval(), multiple=2, symmetric=False)
    with pytest.raises(TrainingError, match="not finite"):
        graph.check_identity(endless, multiple=2, symmetric=False, keeps_equal=False)


def test_a_network_of_the_whole_picture_is_exported_without_a_margin_and_never_tiled(recipe, tmp_path):
    network = Blur(margin=None, leak=0.5, keeps_equal=False)
    assert export_network(network, tmp_path, recipe).margin is None
    fuser = Fuser.load(tmp_path, memory_mb=0.01)
    assert (fuser.rule.margin, ModelCard.read(tmp_path).margin) == (None, None)
    sources = torch.rand(1, 2, 80, 90, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = network(sources).clip(0, 1)[0, 0]
    np.testing.assert_allclose(fuser(*sources[0].numpy()), expected, atol=1e-4)


def test_a_network_that_claims_a_margin_but_pools_over_the_picture_is_refused(recipe, tmp_path):
    network = LearnedPyramid(levels=3, width=4, fuse="se")
    network.margin = 64
    with pytest.raises(TrainingError, match=r"margin 64: SE pools over the whole picture.*`margin` to None"):
        export_network(network, tmp_path / "model", recipe)
    assert not (tmp_path / "model").exists()


def test_the_remark_is_that_of_the_recipe_or_the_one_given(exported, recipe, tmp_path, make_network):
    run, _, card = exported
    assert card.remark == ""
    export_run(run, tmp_path / "given", network=make_network(), remark="a sketch")
    assert ModelCard.read(tmp_path / "given").remark == "a sketch"
    assert export_network(make_network(), tmp_path, replace(recipe, remark="baseline")).remark == "baseline"


def test_equal_sources_come_back_to_the_rounding(exported):
    assert graph.check_identity((exported[1] / "model.onnx").read_bytes(), multiple=2, symmetric=False) < 1e-5


def test_a_model_that_cannot_be_written_leaves_nothing_behind(recipe, tmp_path, make_network):
    (tmp_path / "model" / "model.onnx").mkdir(parents=True)
    with pytest.raises(ImageWriteError, match=r"model\.onnx"):
        export_network(make_network(), tmp_path / "model", recipe)
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["model.onnx"]


def test_a_network_that_cannot_be_translated_is_refused(recipe, tmp_path):
    class Deciding(Blur):
        def forward(self, sources: Tensor) -> Tensor:
            return self.blur(sources) if sources.mean() > 0 else sources[:, :1]

    with pytest.raises(TrainingError, match="cannot be translated to ONNX"):
        export_network(Deciding(2), tmp_path / "model", recipe)


def test_a_network_without_its_traits_is_refused(recipe, tmp_path):
    with pytest.raises(TrainingError, match="Conv2d: needs size_multiple"):
        export_network(nn.Conv2d(2, 1, 3), tmp_path, recipe)


def test_a_folder_without_a_training_is_refused(tmp_path):
    with pytest.raises(TrainingError, match=r"no recipe\.yaml"):
        export_run(tmp_path, tmp_path / "model")


def test_operations_are_counted_for_a_pixel_of_the_image():
    layers = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(8, 16, 3, padding=1), nn.Conv2d(16, 4, 1))
    assert macs_per_pixel(layers, 2) == (8 * 9 * 16 + 16 * 4) / 4
