"""A name or a folder becomes a Fuser, or an error that says what is wrong with it."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from imfuse.errors import ModelError
from imfuse.runtime.card import ModelCard, file_sha256
from imfuse.runtime.fuser import Fuser
from imfuse.runtime.models import ZOO, bundled_models, list_models

pytestmark = pytest.mark.skipif(not bundled_models(), reason="this checkout holds no weights")


@pytest.fixture
def folder(tmp_path):
    """A copy of a bundled model."""
    return shutil.copytree(ZOO / "ivif", tmp_path / "model")


def test_the_bundled_networks_are_there_and_come_first():
    assert {"ivif", "ct-mri", "pet-mri", "spect-mri", "focus", "exposure"} <= set(bundled_models())
    assert list_models()[: len(bundled_models())] == bundled_models()


@pytest.mark.parametrize("name", bundled_models())
def test_every_card_tells_the_truth_of_its_files(name):
    card = ModelCard.read(ZOO / name)
    assert card.name == name
    assert card.sha256 == file_sha256(ZOO / name / "model.onnx")
    assert (ZOO.parents[2] / "recipes" / card.recipe).is_file()
    assert card.metrics
    assert all(np.isfinite(v) for values in card.metrics.values() for v in values.values())


def test_a_bundled_model_stays_within_the_size_of_the_package():
    assert sum(path.stat().st_size for path in ZOO.rglob("*") if path.is_file()) < 24 * 2**20


def test_a_folder_can_be_loaded_like_a_name(folder):
    picture = np.random.default_rng(0).integers(0, 256, (40, 50), dtype=np.uint8)
    np.testing.assert_array_equal(Fuser.load(folder)(picture, picture), Fuser.load("ivif")(picture, picture))
    assert Fuser.load(str(folder)).card == ModelCard.read(folder)


def test_damaged_weights_are_noticed(folder):
    content = bytearray((folder / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 255
    (folder / "model.onnx").write_bytes(content)
    with pytest.raises(ModelError, match="SHA-256"):
        Fuser.load(folder)


def test_weights_that_are_missing_or_no_graph_are_named(folder):
    (folder / "model.onnx").write_bytes(b"no graph")
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, "sha256": file_sha256(folder / "model.onnx")}))
    with pytest.raises(ModelError, match="cannot load"):
        Fuser.load(folder)
    (folder / "model.onnx").unlink()
    with pytest.raises(ModelError, match="no such file"):
        Fuser.load(folder)


@pytest.mark.parametrize("content", ["", "[]", '{"name": "x"}'])
def test_a_damaged_card_is_named(folder, content):
    (folder / "card.json").write_text(content)
    with pytest.raises(ModelError, match=r"card\.json"):
        Fuser.load(folder)


def test_a_folder_without_a_card_says_what_to_do(tmp_path):
    with pytest.raises(ModelError, match="imfuse export"):
        Fuser.load(tmp_path)
