"""The folder of a search: what it refuses, what it clears, and the folders of a sweep."""

from __future__ import annotations

from pathlib import Path

import pytest

from imfuse.errors import SearchError
from imfuse.lab.search.recipe import SearchRecipe
from imfuse.lab.search.recipe_files import read_search, with_folders
from imfuse.lab.search.record import (
    CHECKPOINT,
    COURSE,
    PAGE,
    RECIPE,
    TIMES,
    TRAINING,
    TRIALS,
    WINNER,
    ZOO,
    Winner,
)
from imfuse.lab.search.search_folder import UNSEEN, has_kept, is_done, open_folder, sweep
from imfuse.lab.search.target import Target
from imfuse.lab.training.recipe_values import first_difference

WINNER_OF_ALL = Winner("x1 w4 blend csc(conv_3)", 0.25, 3.5, 3.75, 0.1, 12.5, "gradient")


def test_a_search_is_done_once_its_winner_is_there(tiny, tmp_path):
    assert not is_done(tiny, tmp_path / "absent")
    open_folder(tiny, tmp_path / "a/b", restart=False)
    assert read_search(tmp_path / "a/b" / RECIPE) == tiny
    assert not is_done(tiny, tmp_path / "a/b")
    WINNER_OF_ALL.write(tmp_path / "a/b")
    assert is_done(tiny, tmp_path / "a/b")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"seed": 1}, "seed was 0, now 1"),
        ({"latency": {"budget_ms": 4.0}}, r"latency\.budget_ms was None, now 4\.0"),
        ({"objective": {"ssim": 1.0}}, r"objective\.max_intensity was 1\.0, now None"),
        ({"machine": {"devices": 2}, "data": {"root": "x", "batch": 4}}, r"data\.batch was 2, now 4"),
        ({"space": {"widths": (4, 8)}}, r"space\.widths was \(2, 4\), now \(4, 8\)"),
    ],
)
def test_a_folder_of_another_search_is_refused_with_the_field_that_differs(tiny, change, tmp_path, values, message):
    open_folder(tiny, tmp_path, restart=False)
    (tmp_path / COURSE).write_text("{}")
    with pytest.raises(SearchError, match=rf"another recipe \({message}\); choose another folder, or --restart"):
        is_done(change(tiny, **values), tmp_path)


@pytest.mark.parametrize("name", [CHECKPOINT, COURSE, TRIALS, WINNER, f"weight-0.1/{COURSE}"])
def test_a_search_that_has_not_begun_gives_way_to_another(tiny, change, tmp_path, name):
    other = change(tiny, latency={"budget_ms": 4.0})
    open_folder(tiny, tmp_path, restart=False)
    (tmp_path / "weight-0.1").mkdir()
    (tmp_path / name).touch()  # as the strategies do at their beginning
    assert not is_done(other, tmp_path)
    (tmp_path / name).write_text("{}")
    assert has_kept(tmp_path) == (not name.endswith(COURSE))
    with pytest.raises(SearchError, match="another recipe"):
        is_done(other, tmp_path)


@pytest.mark.parametrize(
    ("values", "stay"),
    [
        ({"latency": {"budget_ms": 4.0}}, True),
        ({"latency": {"target": Target("torch", threads=1, height=64, width=32)}}, False),
        ({"space": {"widths": (4, 8)}}, False),
    ],
)
def test_times_stay_where_they_are_those_of_the_recipe_that_takes_over(tiny, change, tmp_path, values, stay):
    open_folder(tiny, tmp_path, restart=False)
    (tmp_path / TIMES).write_text("{}")
    other = change(tiny, **values)
    open_folder(other, tmp_path, restart=False)
    assert (tmp_path / TIMES).is_file() == stay
    assert read_search(tmp_path / RECIPE) == other


def test_what_does_not_decide_the_winner_may_change(tiny, change, tmp_path):
    open_folder(tiny, tmp_path, restart=False)
    other = change(tiny, training={"seed": 3}, log_every=7, data={"root": "elsewhere"})
    assert not is_done(other, tmp_path)
    assert first_difference(tiny, other, UNSEEN) == "no visible field"


def test_own_folders_may_move_together_but_not_be_others(tiny, tmp_path):
    def own(*folders: str) -> SearchRecipe:
        return with_folders(tiny, [str(tmp_path / folder) for folder in folders])

    for name in ("day/ir", "day/vis", "night/ir", "night/vis"):
        (tmp_path / name).mkdir(parents=True)
    run = tmp_path / "run"
    open_folder(own("day/ir", "day/vis"), run, restart=False)
    WINNER_OF_ALL.write(run)
    with pytest.raises(SearchError, match=r"on other images: .*day/ir, .*day/vis; now .*night/vis\. Name by --folders"):
        is_done(own("night/ir", "night/vis"), run)
    (tmp_path / "day").rename(tmp_path / "moved")
    assert is_done(own("moved/ir", "moved/vis"), run)
    with pytest.raises(SearchError, match=r"on other images: .*--folders .* --restart") as error:
        is_done(own("moved/vis", "moved/ir"), run)
    assert "(" not in str(error.value)


@pytest.mark.parametrize("name", [CHECKPOINT, TRIALS])
def test_a_search_without_its_recipe_is_refused(tiny, tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(SearchError, match=r"a search without recipe\.yaml; choose another folder"):
        is_done(tiny, tmp_path)


def test_a_damaged_recipe_is_named(tiny, tmp_path):
    (tmp_path / RECIPE).write_text("name: [")
    with pytest.raises(SearchError, match=r"its recipe cannot be read .*recipe\.yaml: not a readable YAML"):
        is_done(tiny, tmp_path)
    open_folder(tiny, tmp_path, restart=True)
    assert read_search(tmp_path / RECIPE) == tiny


def test_a_restart_clears_what_a_search_and_its_training_left_and_nothing_else(tiny, tmp_path):
    ours = [CHECKPOINT, COURSE, TRIALS, WINNER, PAGE, TIMES, f"{TRAINING}/weights", f"{ZOO}/tiny/card.json"]
    theirs = ["notes.txt", "weight-0.1/notes.txt"]
    for name in (*ours, f"weight-0.1/{WINNER}", *theirs):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    open_folder(tiny, tmp_path, restart=False)
    assert all((tmp_path / name).exists() for name in ours)
    open_folder(tiny, tmp_path, restart=True)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {RECIPE, *(str(Path(name)) for name in theirs)}


def test_a_place_that_cannot_be_written_is_named(tiny, tmp_path):
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "inside"):
        message = rf"{place.name}: no folder to search in \((it is a file|not a directory)\); choose another one by -o"
        with pytest.raises(SearchError, match=message):
            open_folder(tiny, place, restart=False)


def test_a_sweep_is_a_search_for_each_weight(tiny, change, tmp_path):
    assert list(sweep(tiny, tmp_path)) == [(tiny, tmp_path)]
    swept = list(sweep(change(tiny, latency={"weight": [0.0, 2e-5]}), tmp_path))
    assert swept == [
        (change(tiny, latency={"weight": 0.0}), tmp_path / "weight-0"),
        (change(tiny, latency={"weight": 2e-5}), tmp_path / "weight-2e-05"),
    ]
