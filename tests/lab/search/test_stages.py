"""A search in stages: what each may name, which choices it updates, by which terms, and what stands afterwards."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from imfuse.errors import RecipeError
from imfuse.lab.search.gradient_run import GradientRun
from imfuse.lab.search.gradient_search import active_logits
from imfuse.lab.search.haf_space import HAFSpace
from imfuse.lab.search.haf_supernet import HAFSupernet
from imfuse.lab.search.networks import stage_objectives
from imfuse.lab.search.recipe import GradientRecipe, SearchRecipe, Stage, TrialsRecipe
from imfuse.lab.search.recipe_files import check_search, find_search, read_search, save_search
from imfuse.lab.search.record import read_course
from imfuse.lab.search.space import Space
from imfuse.lab.search.times import Times
from imfuse.lab.search.trials_run import TrialsRun
from imfuse.lab.training.recipe import DataRecipe, DataSet, MachineRecipe, OptimiserRecipe

SPACE = HAFSpace(("csc", "cdc"), ("conv_3", "spatial_3"), 1, ffm=(1,), target=(1,), detail=(0, 1), widths=(4,))
STAGES = (
    Stage("macro", 3, ("ffm",), "first_fused"),
    Stage("micro", 3, ("ffm",), "first_fused"),
    Stage("both", 3, ("target", "detail")),
)
OBJECTIVE = {
    "first": {"weight": 1.0, "loss": "gradient", "image": "first_fused"},
    "target": {"weight": 1.0, "loss": "gradient", "image": "target", "target": 0},
    "fused": {"weight": 1.0, "loss": "gradient"},
}


def staged(*stages: Stage, **values) -> SearchRecipe:
    gradient = GradientRecipe("first_order", warmup=1, stages=stages or STAGES, architecture_rate=0.1)
    common = {"name": "haf", "task": "any", "sources": ("infrared", "visible"), "objective": OBJECTIVE, "haf": SPACE}
    machine = MachineRecipe("cpu", 1)
    return SearchRecipe(**{**common, "gradient": gradient, "log_every": 1, "machine": machine, **values})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataRecipe:
    """Four pairs of smooth random pictures."""
    folder, generator = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for source in ("ir", "vis"):
        (folder / source).mkdir()
        for stem in "abcd":
            coarse = generator.integers(0, 256, (5, 7), dtype=np.uint8)
            cv2.imwrite(str(folder / source / f"{stem}.png"), cv2.resize(coarse, (40, 24)))
    return DataRecipe(str(folder), (DataSet("smooth", ("ir", "vis"), "public domain"),), patch=16, batch=2)


@pytest.fixture
def run(data: DataRecipe, tmp_path: Path) -> Callable[[SearchRecipe], GradientRun]:
    """A search on the pictures, where every network takes as long."""

    def make(recipe: SearchRecipe) -> GradientRun:
        recipe = dataclasses.replace(recipe, data=data, optimiser=OptimiserRecipe(learning_rate=1e-2, warmup=1))
        fabric = Fabric(accelerator="cpu", devices=1)
        return GradientRun(recipe, tmp_path, fabric, Times(lambda _genotype: 5.0, lambda _p: torch.zeros(()), 1.0))

    return make


def test_haf_comes_with_a_search_whose_stages_end_with_every_choice_decided(tmp_path):
    recipe = read_search(find_search("haf"))
    choices = recipe.haf.choices if recipe.haf else ()
    deciding = [[stage for stage in recipe.gradient.stages if stage.decides(choice)] for choice in choices]
    assert all(len(stages) == 1 for stages in deciding)
    save_search(recipe, tmp_path / "recipe.yaml")
    assert read_search(tmp_path / "recipe.yaml") == recipe


@pytest.mark.parametrize(
    ("stage", "names"),
    [
        (STAGES[0], ["ffm.cell1.kind"]),
        (STAGES[1], ["ffm.cell1.csc.op1", "ffm.cell1.cdc.op1"]),
        (Stage("macro", 1, ("target", "detail")), ["target.cell1.kind", "detail.cells", "detail.cell1.kind"]),
        (Stage("micro", 1), [f"{part}.cell1.{kind}.op1" for part in SPACE.parts for kind in SPACE.kinds]),
    ],
)
def test_a_stage_updates_the_choices_of_its_level_and_parts(stage, names):
    supernet = HAFSupernet(SPACE)
    assert [supernet.choice_of(name).name for name in active_logits(supernet, stage)] == names
    supernet.settle({names[0]: 0})
    assert [supernet.choice_of(name).name for name in active_logits(supernet, stage)] == names[1:]


def test_a_part_is_not_one_whose_name_it_begins():
    assert not Stage("both", 1, ("cell1",)).decides(Space(cells=(10,)).choices[-1])


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ((Stage("macro", 1, ("head",)),), r"stages\[0\]\.parts: \['head'\]; expected some of width, ffm, target, det"),
        ((Stage("macro", 1, ("ffm",), "mask"),), r"stages\[0\]\.image: 'mask'; expected one of \['first_fused', 'fus"),
        ((STAGES[0], STAGES[0]), r"stages\[1\]: no choice is left for it to decide \(macro ffm\); leave it out"),
        ((Stage("macro", 1), Stage("both", 0)), r"stages\[1\]\.steps: 0; at least 1"),
    ],
)
def test_stages_that_cannot_be_are_refused(stages, message):
    with pytest.raises(RecipeError, match=f"^search 'haf', field gradient.{message}"):
        check_search(staged(*stages))


def test_fusion_networks_of_one_part_and_level_need_other_stages():
    with pytest.raises(RecipeError, match=r"parts: \['ffm'\]; expected none, as only networks of HAF have parts"):
        check_search(staged(objective={"gradient": 1.0}, haf=None))
    own = DataRecipe(sets=(DataSet("own", ("ir", "vis"), "own"),))
    one_shape = {"objective": {"gradient": 1.0}, "haf": None, "space": Space(("csc",), cells=(1,)), "data": own}
    with pytest.raises(RecipeError, match=r"stages\[0\]: no choice is left for it to decide \(macro\)"):
        check_search(staged(Stage("macro", 1), Stage("micro", 1), **one_shape))
    check_search(staged(Stage("micro", 1), **one_shape))
    check_search(staged(Stage("macro", 1), strategy="random", **one_shape))  # which has no stages


def test_a_stage_counts_the_terms_of_its_image():
    recipe = staged(data=DataRecipe(patch=16, batch=2))
    objectives = stage_objectives(recipe, Fabric(accelerator="cpu", devices=1))
    assert {image: set(objective.terms) for image, objective in objectives.items()} == {
        "": {"first", "target", "fused"},
        "first_fused": {"first"},
    }


def test_a_term_of_an_image_that_no_network_of_the_space_makes_is_refused():
    objective = {**OBJECTIVE, "mask": {"weight": 1.0, "loss": "gradient", "image": "mask"}}
    recipe = staged(data=DataRecipe(patch=16, batch=2), objective=objective)
    with pytest.raises(RecipeError, match=r"no image 'mask'; the network makes fused, first_fused, target, detail"):
        stage_objectives(recipe, Fabric(accelerator="cpu", devices=1))


def test_what_a_stage_decides_stands_while_all_weights_that_count_go_on_training(run):
    search = run(staged())
    states: list[dict[str, torch.Tensor]] = []
    update = search.search.update

    def watched(step: int) -> dict[str, float]:
        values = update(step)
        states.append({name: value.clone() for name, value in search.search.supernet.state_dict().items()})
        return values

    search.search.update = watched
    found = search.finish()
    assert found is not None
    assert found.genotype in SPACE
    moved = [
        {name for name, value in after.items() if not torch.equal(value, before[name])}
        for before, after in pairwise(states)
    ]
    for step, names in enumerate(moved, 1):
        _, stage = search.search.stage(step)
        choices = {name.removeprefix("logits.").replace("/", ".") for name in names if name.startswith("logits")}
        assert stage is not None
        assert choices
        assert choices <= {choice.name for choice in SPACE.choices if stage.decides(choice)}
        first = any(name.startswith(("network.trunk", "network.head")) for name in names)
        branches = any(name.startswith("network.branches") and "running" not in name for name in names)
        assert first
        assert branches or stage.image
    decided = search.search.supernet.settled
    assert {name.split(".")[0] for name in decided} == {"ffm"}
    assert SPACE.picks(found.genotype)["ffm.cell1.kind"] == decided["ffm.cell1.kind"]


def test_the_course_tells_the_stages_and_shows_settled_choices_as_certain(run, tmp_path):
    search = run(staged())
    search.finish()
    rows = read_course(tmp_path)
    assert [row.stage for row in rows] == [-1, 0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert [max(row.probabilities["ffm.cell1.kind"]) == 1 for row in rows] == [False] * 3 + [True] * 7


def test_a_resumed_search_in_stages_finds_the_same(run, tmp_path, monkeypatch):
    whole = run(staged()).finish()
    (tmp_path / "checkpoint.safetensors").unlink()
    first, count = run(staged()), 0

    def stop_after_five(_requested: bool) -> bool:
        nonlocal count
        count += 1
        return count == 5

    monkeypatch.setattr(first, "_anywhere", stop_after_five)
    assert first.finish() is None
    again = run(staged())
    assert again.done == 5
    assert "ffm.cell1.kind" in again.search.supernet.settled
    found = again.finish()
    assert whole is not None
    assert found is not None
    assert (found.genotype, found.loss) == (whole.genotype, whole.loss)


def test_single_networks_are_tried_with_the_images_that_they_make(data, tmp_path):
    trials = TrialsRecipe(candidates=2, steps=2, validation=1)
    recipe = staged(strategy="random", trials=trials, data=data)
    times = Times(lambda _genotype: 5.0, lambda _p: torch.zeros(()), 1.0)
    found = TrialsRun(recipe, tmp_path, times, "cpu").finish()
    assert found is not None
    assert found.genotype in SPACE
    assert np.isfinite(found.loss)
