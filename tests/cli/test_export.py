"""`imfuse export`: from a run to a model folder that the Fuser loads."""

from __future__ import annotations

import numpy as np
import pytest

from imfuse.cli import main
from imfuse.runtime.card import ModelCard

RECIPE = """
name: simulated
task: infrared and visible
sources: [infrared, visible]
model: {name: learned_pyramid, options: {levels: 3, width: 4}}
objective: {max_intensity: 1}
data: {patch: 32, batch: 2, simulated: 1, scenes: 1}
optimiser: {steps: 2}
machine: {accelerator: cpu}
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A short training on simulated scenes, in the current folder."""
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    assert main(["train", "recipe.yaml", "-o", "run"]) == 0
    return tmp_path / "run"


def test_a_training_becomes_a_model_that_fuses(run, tmp_path, capsys):
    assert main(["export", str(run), "-o", "model", "--name", "mine", "--licence", "own"]) == 0
    assert "mine, " in capsys.readouterr().out
    card = ModelCard.read(tmp_path / "model")
    assert (card.name, card.data) == ("mine", ("simulated scenes",))
    assert card.licence == "weights: own; data: simulated scenes of imfuse"
    assert (card.network, card.remark) == ("learned_pyramid(levels=3, width=4)", "")

    from imfuse.runtime.fuser import Fuser

    infrared, visible = np.random.default_rng(0).integers(0, 256, (2, 37, 51), dtype=np.uint8)
    fused = Fuser.load(tmp_path / "model")(infrared, visible)
    assert fused.shape == (37, 51)
    assert fused.dtype == np.uint8


def test_a_folder_that_is_no_training_is_refused(tmp_path, capsys):
    assert main(["export", str(tmp_path), "-o", str(tmp_path / "model")]) == 1
    assert "no recipe.yaml" in capsys.readouterr().err
