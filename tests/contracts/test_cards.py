"""The card of every bundled model tells the recipe and the data that it was made from."""

from __future__ import annotations

from pathlib import Path

import pytest

from imfuse.lab.training.graph import LARGEST_ERROR, check_identity
from imfuse.lab.training.recipe import recipe_sha256
from imfuse.lab.training.recipe_files import read_recipe
from imfuse.runtime.card import ModelCard, file_sha256

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = sorted(path.parent for path in (ROOT / "src" / "imfuse" / "zoo").glob("*/card.json"))

pytestmark = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def test_the_recipe_that_is_shipped_is_the_one_that_made_the_model(folder):
    card = ModelCard.read(folder)
    recipe = read_recipe(ROOT / "recipes" / card.recipe)
    assert card.recipe_sha256 == recipe_sha256(recipe), f"{card.name}: train again, or restore recipes/{card.recipe}"
    assert (card.task, card.sources) == (recipe.task, recipe.sources)
    assert (card.network, card.remark) == (str(recipe.model), recipe.remark)


def test_the_card_names_the_data_of_the_recipe(folder):
    card = ModelCard.read(folder)
    data = read_recipe(ROOT / "recipes" / card.recipe).data
    simulated = {"simulated scenes"} if data.simulated else set()
    assert set(card.data) == {images.name for images in data.sets} | simulated
    for images in data.sets:
        assert f"{images.name}: {images.licence}" in card.licence


def test_the_card_belongs_to_its_folder_and_its_graph(folder):
    card = ModelCard.read(folder)
    assert card.name == folder.name
    assert card.sha256 == file_sha256(folder / "model.onnx")


def test_the_card_tells_how_far_equal_sources_change(folder):
    card = ModelCard.read(folder)
    graph = (folder / "model.onnx").read_bytes()
    promised = card.equal_sources_error <= LARGEST_ERROR * 255
    change = check_identity(graph, multiple=card.size_multiple, symmetric=card.symmetric, keeps_equal=promised)
    assert card.equal_sources_error == pytest.approx(change * 255, abs=0.11)
