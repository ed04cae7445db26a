"""Recipes of searches: those that come with imfuse, saving, own folders, and an error for each rule."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from imfuse.errors import RecipeError
from imfuse.lab.search.recipe import HYPERGRADIENT_NAMES, GradientRecipe, Stage, search_sha256
from imfuse.lab.search.recipe_files import check_search, find_search, read_search, save_search, with_folders
from imfuse.lab.search.space import Space

TEXT = """
name: own
task: infrared and visible
sources: [infrared, visible]
objective: {ssim: 1}
space: {kinds: [csc], operators: [conv_3, dil_3], slots: 1, cells: [0, 1], widths: [4]}
gradient: {stages: [{level: macro, steps: 3}, {level: micro, steps: 10}]}
latency: {budget_ms: 5, weight: 1e-2, target: {engine: torch}}
data: {sets: [{name: street, folders: [ir, vis]}]}
training: {optimiser: {steps: 7}, data: {patch: 64, sets: [{name: more, folders: [ir2, vis2]}]}}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "own.yaml").write_text(TEXT)
    return tmp_path / "own.yaml"


@pytest.mark.parametrize("name", ["ivif-10ms", "tim", "haf"])
def test_the_recipes_that_come_with_imfuse_are_sound_and_survive_saving(name, tmp_path):
    recipe = read_search(find_search(name))
    save_search(recipe, tmp_path / "saved.yaml")
    assert read_search(tmp_path / "saved.yaml") == recipe


def test_a_recipe_is_found_by_its_path_and_a_wrong_name_tells_those_that_there_are(path):
    assert find_search(path) == path
    with pytest.raises(RecipeError, match=r"nope: no such recipe of a search; .*'haf', 'ivif-10ms', 'tim'"):
        find_search("nope")
    with pytest.raises(RecipeError, match=r"ivif: a recipe of a training, for `imfuse train`; .*'haf', 'ivif-10ms'"):
        find_search("ivif")
    with pytest.raises(RecipeError, match=r": a directory; give the path of a YAML file or one of \['haf'"):
        find_search(path.parent)


def test_changes_override_nested_values_and_the_rest_stays(path):
    recipe = read_search(
        path, {"latency": {"weight": [0.0, 0.1]}, "space": {"cells": [0, 2]}, "gradient": {"warmup": 5}}
    )
    assert (recipe.latency.weight, recipe.latency.budget_ms) == ([0.0, 0.1], 5)
    assert (recipe.space.cells, recipe.space.widths) == ((0, 2), (4,))
    assert recipe.gradient.stages == (Stage("macro", 3), Stage("micro", 10))


def test_recipes_are_read_without_torch(path):
    code = (
        "import sys; from pathlib import Path; from imfuse.lab.search.recipe_files import read_search; "
        f"read_search(Path({str(path)!r})); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_names_of_hypergradients_are_those_that_there_are():
    from imfuse.lab.search.hypergradient import HYPERGRADIENTS

    assert tuple(HYPERGRADIENTS) == HYPERGRADIENT_NAMES


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("space:", "spase:", r"own\.yaml: unknown field spase; allowed here: .*space"),
        ("kinds:", "kind:", r"unknown field space\.kind; allowed here: kinds"),
        ("level: macro", "levle: macro", r"unknown field gradient\.stages\.levle; allowed here: level, steps"),
        ("engine:", "motor:", r"unknown field latency\.target\.motor"),
        ("{ssim: 1}", "{ssim: much}", r"objective\.ssim: 'much'"),
        ("[conv_3, dil_3]", "[conv_3, dil_4]", r"operators has 'dil_4'; did you mean 'dil_[35]'"),
        ("engine: torch", "engine: tensor", r"engine"),
        ("level: macro", "level: mega", r"gradient"),
    ],
)
def test_a_mistake_in_the_file_is_refused_with_its_field(path, old, new, message):
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(RecipeError, match=message):
        read_search(path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"latency": {"weight": []}}, r"latency\.weight: an empty list"),
        ({"latency": {"weight": -1.0}}, r"latency\.weight: -1\.0; finite, from 0 up"),
        ({"latency": {"weight": float("inf")}}, r"latency\.weight: inf; finite"),
        ({"latency": {"weight": [0.1, 0.10000001]}}, r"latency\.weight: \[0\.1, 0\.10000001\]; name each once"),
        ({"latency": {"budget_ms": 0.0}}, r"latency\.budget_ms: 0\.0; above 0"),
        ({"space": Space(("csc",), ("conv_3",))}, r"space: holds one network only"),
        ({"checkpoint_every": 0}, r"checkpoint_every: 0; at least 1"),
        ({"log_every": 0}, r"log_every: 0; at least 1"),
        ({"gradient": {"hypergradient": "second_order"}}, r"gradient\.hypergradient: 'second_order'; .*gauss_newton"),
        ({"gradient": {"warmup": -1}}, r"gradient\.warmup: -1; at least 0"),
        ({"gradient": {"temperature": 0.0}}, r"gradient\.temperature: 0\.0; above 0"),
        ({"gradient": {"architecture_rate": 0.0}}, r"gradient\.architecture_rate: 0\.0; above 0"),
        ({"gradient": {"stages": ()}}, r"gradient\.stages: none decides width, cell1\.kind, cell1\.csc\.op1"),
        ({"gradient": {"stages": (Stage("micro", 3),)}}, r"gradient\.stages: none decides width, cell1\.kind; add"),
        ({"gradient": {"stages": (Stage("both", 0),)}}, r"gradient\.stages\[0\]\.steps: 0; at least 1"),
        ({"trials": {"candidates": 0}}, r"trials\.candidates: 0; at least 1"),
        ({"trials": {"steps": 0}}, r"trials\.steps: 0; at least 1"),
        ({"trials": {"validation": 0}}, r"trials\.validation: 0; at least 1"),
        ({"trials": {"population": 0}}, r"trials\.population: 0; at least 1"),
        ({"trials": {"tournament": 3}}, r"trials\.tournament: 3; at most trials\.population, 2"),
        ({"training": {"optimizer": {}}}, r"field training: unknown field optimizer; allowed here: .*optimiser"),
        ({"training": {"optimiser": {"steps": 0}}}, r"optimiser\.steps: 0; at least 1"),
        ({"training": {"model": {"name": "tim"}}}, r"field training\.model: the search decides it"),
        ({"training": {"sources": ["a", "b"]}}, r"field training\.sources: the search decides it"),
        ({"seed": -1}, r"field seed: -1; at least 0"),
        ({"data": {"batch": 0}}, r"field data\.batch: 0; at least 1"),
        ({"data": {"sets": ()}}, r"field data\.sets: empty"),
        ({"objective": {}}, r"field objective: empty"),
    ],
)
def test_each_rule_names_its_field_and_what_was_found(tiny, change, values, message):
    with pytest.raises(RecipeError, match=message):
        check_search(change(tiny, **values))


def test_other_strategies_need_no_stages(tiny, change):
    check_search(change(tiny, strategy="random", gradient={"stages": ()}))


def test_own_folders_take_the_place_of_all_sets_in_the_search_and_in_the_training(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = with_folders(read_search(path), ["my/ir", "my/vis"])
    assert [(images.name, images.folders) for images in recipe.data.sets] == [("own", ("ir", "vis"))]
    assert recipe.data.root == str(tmp_path / "my")
    assert recipe.training == {"optimiser": {"steps": 7}, "data": {"patch": 64}}
    with pytest.raises(RecipeError, match=r"--folders: 3 given \(a, b, c\); give 2, .*infrared, then of visible"):
        with_folders(recipe, ["a", "b", "c"])


def test_own_folders_that_moved_together_make_the_same_search(path, tmp_path):
    def hashed(*folders: str) -> str:
        return search_sha256(read_search(path, folders=[str(tmp_path / folder) for folder in folders]))

    assert hashed("one/ir", "one/vis/day") == hashed("two/three/ir", "two/three/vis/day")
    assert hashed("one/ir", "one/vis") != hashed("one/vis", "one/ir")


def test_own_folders_need_no_sets_in_the_file(path):
    path.write_text("\n".join(line for line in TEXT.splitlines() if not line.startswith(("data:", "training:"))))
    with pytest.raises(RecipeError, match=r"data\.sets: empty"):
        read_search(path)
    assert [images.name for images in read_search(path, folders=["my/ir", "my/vis"]).data.sets] == ["own"]


def test_the_hash_changes_with_what_decides_the_winner_only(tiny, change):
    same = change(
        tiny, log_every=99, training={"seed": 3}, machine={"devices": 4}, data={"root": "elsewhere", "workers": 2}
    )
    assert search_sha256(same) == search_sha256(tiny)
    for other in (
        change(tiny, seed=1),
        change(tiny, data={"batch": 4}),
        change(tiny, latency={"weight": 0.5}),
        change(tiny, space={"widths": (4,)}),
        change(tiny, gradient={"options": {"eps": 1e-3}}),
        change(tiny, trials={"steps": 9}),
        change(tiny, objective={"ssim": 1.0}),
    ):
        assert search_sha256(other) != search_sha256(tiny)


def test_every_step_belongs_to_the_warm_up_or_to_one_stage():
    gradient = GradientRecipe(warmup=1, stages=(Stage("macro", 2), Stage("micro", 1)))
    assert [gradient.stage(step)[0] for step in range(gradient.steps)] == [-1, 0, 0, 1]
    assert gradient.stage(0)[1] is None
    with pytest.raises(ValueError, match="step 4: the search has 4"):
        gradient.stage(4)
