"""Recipes: read, overridden, refused with a reason, saved and read back equal."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from imfuse.errors import ImageWriteError, RecipeError
from imfuse.lab.training.recipe import Recipe, recipe_sha256
from imfuse.lab.training.recipe_files import find_recipe, read_recipe, save_recipe, with_folders

TEXT = """
name: own
task: infrared and visible
sources: [infrared, visible]
model: {name: learned_pyramid, options: {width: 8}}
objective: {ssim: 1, max_intensity: 1e-1}
data:
  sets:
  - {name: street, folders: [ir, vis]}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "own.yaml"
    file.write_text(TEXT)
    return file


def test_what_the_file_leaves_out_has_its_default(path):
    recipe = read_recipe(path)
    assert recipe.data.sets[0].folders == ("ir", "vis")
    assert recipe.objective == {"ssim": 1.0, "max_intensity": 0.1}
    assert recipe.data.batch == 16


def test_changes_override_one_value_and_leave_its_neighbours(path):
    changed = read_recipe(path, {"data": {"batch": 8}, "objective": {"ssim": 3}, "model": {"options": {"levels": 4}}})
    plain = read_recipe(path)
    assert changed.data == replace(plain.data, batch=8)
    assert changed.objective == {"ssim": 3.0, "max_intensity": 0.1}
    assert changed.model.options == {"width": 8, "levels": 4}


def test_a_saved_recipe_reads_back_equal(recipe: Recipe, tmp_path):
    save_recipe(recipe, tmp_path / "saved.yaml")
    assert read_recipe(tmp_path / "saved.yaml") == recipe
    assert list(tmp_path.iterdir()) == [tmp_path / "saved.yaml"]


def test_a_remark_is_optional_and_changes_no_hash(path, tmp_path):
    plain = read_recipe(path)
    remarked = read_recipe(path, {"remark": "baseline"})
    assert (plain.remark, remarked.remark) == ("", "baseline")
    assert recipe_sha256(plain) == recipe_sha256(remarked)
    save_recipe(remarked, tmp_path / "saved.yaml")
    assert read_recipe(tmp_path / "saved.yaml") == remarked


def test_a_recipe_that_cannot_be_written_leaves_nothing_behind(recipe: Recipe, tmp_path):
    (tmp_path / "saved.yaml").mkdir()
    with pytest.raises(ImageWriteError, match=r"saved\.yaml"):
        save_recipe(recipe, tmp_path / "saved.yaml")
    assert list(tmp_path.iterdir()) == [tmp_path / "saved.yaml"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("objective:", "objektive:", r"unknown field objektive; allowed here: .*objective"),
        ("sets:", "set:", r"unknown field data\.set; allowed here: .*sets"),
        ("folders:", "folder:", r"unknown field data\.sets\.folder; allowed here: name, folders"),
        ("data:", "data:\n  batch: many", r"field data\.batch: 'many'; expected a whole number"),
        ("ssim: 1,", "ssim: much,", r"objective\.ssim: 'much'; expected a finite number"),
        ("name: own", "name: own\nprecision: 8", r"precision"),
        ("task: infrared and visible\n", "", r"task"),
        ("data:", "data:\n  batch: 0", r"field data\.batch: 0; at least 1"),
        ("data:", "data:\n  augment: {haze: 2}", r"field data\.augment\.haze: 2.*probability"),
        ("data:", "data:\n  simulated: 1.5", r"field data\.simulated: 1\.5"),
        ("[ir, vis]", "[ir, vis, third]", r"'street' has 3 folders"),
        ("[infrared, visible]", "[infrared]", r"sources: .*two"),
        ("[infrared, visible]", "[near, far]\nseed: -1", r"seed: -1"),
        ("\n  - {name: street, folders: [ir, vis]}", " []", r"data\.sets: empty"),
        (TEXT, "just text", r"expected fields"),
        (TEXT, "a: [", r"not a readable YAML"),
    ],
)
def test_a_mistake_is_refused_with_the_field_and_what_is_allowed(path, old, new, message):
    assert old in TEXT
    path.write_text(TEXT.replace(old, new, 1))
    with pytest.raises(RecipeError, match=message):
        read_recipe(path)


def test_changes_of_one_source_need_that_source(path):
    path.write_text(TEXT.replace("[infrared, visible]", "[ct, mri]"))
    with pytest.raises(RecipeError, match=r"data\.augment\.haze: needs a source named 'visible'"):
        read_recipe(path, {"data": {"augment": {"haze": 0.5}}})
    with pytest.raises(RecipeError, match=r"data\.simulated"):
        read_recipe(path, {"data": {"simulated": 0.5}})


def test_own_folders_take_the_place_of_all_sets(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = with_folders(read_recipe(path), ["my/ir", "my/vis"])
    assert [images.folders for images in recipe.data.sets] == [(str(tmp_path / "my/ir"), str(tmp_path / "my/vis"))]
    with pytest.raises(RecipeError, match="3 folders"):
        with_folders(recipe, ["a", "b", "c"])
    with pytest.raises(RecipeError, match=r"--folders: \./a is named twice; name another folder for each source"):
        with_folders(recipe, ["./a", "a"])


def test_the_hash_changes_with_what_decides_the_weights_only(recipe: Recipe):
    same = replace(
        recipe, log_every=99, machine=replace(recipe.machine, devices=4), data=replace(recipe.data, root="elsewhere")
    )
    assert recipe_sha256(same) == recipe_sha256(recipe)
    for other in (
        replace(recipe, seed=1),
        replace(recipe, data=replace(recipe.data, batch=5)),
        replace(recipe, optimiser=replace(recipe.optimiser, ema=0.5)),
        replace(recipe, objective={"ssim": 1.0}),
    ):
        assert recipe_sha256(other) != recipe_sha256(recipe)


def test_a_recipe_is_found_by_path_and_by_bare_name(path, monkeypatch):
    assert find_recipe(path) == path
    monkeypatch.setattr("imfuse.lab.training.recipe_files.RECIPE_FOLDERS", (path.parent,))
    assert find_recipe("own") == path
    with pytest.raises(RecipeError, match=r"nope.*own"):
        find_recipe("nope")


def test_recipes_are_read_without_torch(path):
    code = (
        "import sys; from pathlib import Path; from imfuse.lab.training.recipe_files import read_recipe; "
        f"read_recipe(Path({str(path)!r})); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("term", "message"),
    [
        ("{operator: sobel}", r"objective\.ssim: .* no `weight`"),
        ("{weight: {first: 0}}", r"objective\.ssim: schedule .*last missing"),
        ("{weight: {first: 0, last: 1, end: 2}}", r"objective\.ssim: .*0 <= start <= end <= 1"),
    ],
)
def test_a_mistake_in_a_term_is_refused_when_the_recipe_is_read(path, term, message):
    path.write_text(TEXT.replace("ssim: 1", f"ssim: {term}", 1))
    with pytest.raises(RecipeError, match=message):
        read_recipe(path)


def test_terms_with_options_and_schedules_are_saved_and_read_back(path, tmp_path):
    path.write_text(TEXT.replace("ssim: 1", "edges: {loss: gradient, weight: {first: 0, last: 1e-1}, target: 1}", 1))
    recipe = read_recipe(path)
    assert recipe.objective["edges"] == {"loss": "gradient", "weight": {"first": 0, "last": 0.1}, "target": 1}
    save_recipe(recipe, tmp_path / "saved.yaml")
    assert read_recipe(tmp_path / "saved.yaml") == recipe
