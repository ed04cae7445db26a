"""What is looked at before a search measures and trains anything."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from lightning_fabric import Fabric

from imfuse.errors import RecipeError
from imfuse.lab.search.material import make_material

CPU = Fabric(accelerator="cpu", devices=1)


@pytest.fixture
def folder(images: Path, tmp_path: Path) -> Path:
    """A copy of the images, to be damaged."""
    shutil.copytree(images, tmp_path / "images")
    return tmp_path / "images"


def test_the_halves_share_no_scene(tiny):
    batches = make_material(tiny, CPU).batches
    halves = [
        {scenes[index].tobytes() for scenes in half.sampler.sets for index in range(len(scenes))}
        for half in (batches.training, batches.validation)
    ]
    assert [len(half) for half in halves] == [2, 2]
    assert not halves[0] & halves[1]


def test_simulated_scenes_alone_do(tiny, change):
    batches = make_material(change(tiny, data={"sets": (), "simulated": 1.0, "scenes": 2}), CPU).batches
    assert batches.training[0].sources.shape == (2, 2, 16, 16)


def test_a_set_of_one_scene_is_refused(tiny, change, folder):
    for path in folder.glob("*/[bcd].png"):
        path.unlink()
    with pytest.raises(RecipeError, match=r"data set 'smooth': 1 scene, and a search needs at least two"):
        make_material(change(tiny, data={"root": str(folder)}), CPU)


def test_sources_of_unequal_size_are_named(tiny, change, folder):
    cv2.imwrite(str(folder / "vis" / "b.png"), np.zeros((8, 8), np.uint8))
    with pytest.raises(RecipeError, match=r"1 of 4 scenes(?s:.*)ir.b\.png \(24, 40\), .*vis.b\.png \(8, 8\)"):
        make_material(change(tiny, data={"root": str(folder)}), CPU)


def test_a_truncated_picture_is_named(tiny, change, folder):
    path = folder / "ir" / "c.png"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(RecipeError, match=r"1 of 4 scenes(?s:.*)ir.c\.png"):
        make_material(change(tiny, data={"root": str(folder)}), CPU)


def test_a_missing_folder_is_named(tiny, change, tmp_path):
    with pytest.raises(RecipeError, match=r"data set 'smooth': no folder .*absent.ir"):
        make_material(change(tiny, data={"root": str(tmp_path / "absent")}), CPU)


def test_patches_that_some_network_cannot_take_are_refused_for_the_search_and_for_the_training(tiny, change):
    with pytest.raises(RecipeError, match=r"field data\.patch: 17; the networks of this space need a multiple of 2"):
        make_material(change(tiny, data={"patch": 17}), CPU)
    values = {"space": {"heads": ("blend", "pyramid")}, "data": {"patch": 32}, "training": {"data": {"patch": 48}}}
    with pytest.raises(RecipeError, match=r"field training\.data\.patch: 48; .* need a multiple of 32"):
        make_material(change(tiny, **values), CPU)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("unrolled", {}, r"field gradient\.options: .*option rate is missing"),
        ("gauss_newton", {"rate": 1}, r"field gradient\.options: .*no option rate; it has eps"),
        ("neumann", {"rate": -1.0, "terms": 2}, r"field gradient\.options: .*rate: -1\.0; expected a number above 0"),
        ("neumann", {"rate": "fast", "terms": 2}, r"field gradient\.options: .*rate: 'fast'"),
    ],
)
def test_wrong_options_of_the_hypergradient_are_refused_at_once(tiny, change, name, options, message):
    recipe = change(tiny, gradient={"hypergradient": name, "options": options})
    with pytest.raises(RecipeError, match=message):
        make_material(recipe, CPU)
    make_material(change(recipe, strategy="random"), CPU)  # which has no hypergradient
