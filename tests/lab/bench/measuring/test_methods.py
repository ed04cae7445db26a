"""Scenes and methods are matched by name, and what does not match is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imfuse.errors import EvaluationError, ImageReadError, PairingError
from imfuse.images.files import write_image
from imfuse.lab.bench.measuring.methods import (
    check_folder_names,
    check_names,
    find_scenes,
    read_method,
    references,
    source_names,
)


@pytest.fixture
def fill(tmp_path: Path):
    """Makes a folder of pictures."""

    def make(folder: str, *names: str) -> Path:
        for name in names:
            write_image(tmp_path / folder / name, np.zeros((2, 3), np.uint8))
        return tmp_path / folder

    return make


def test_scenes_are_those_of_all_sources_in_natural_order(fill):
    scenes, problems = find_scenes([fill("ir", "10.png", "2.png"), fill("vis", "2.jpg", "10.jpg")])
    assert [scene.stem for scene in scenes] == ["2", "10"]
    assert [path.name for path in scenes[0].sources] == ["2.png", "2.jpg"]
    assert problems == ()


def test_every_file_without_a_partner_is_named(fill):
    _, problems = find_scenes([fill("ir", "1.png", "2.png", "3.png"), fill("vis", "1.png", "4.png")])
    assert len(problems) == 2
    assert "ir: left out" in problems[0]
    assert problems[0].endswith("2.png, 3.png")
    assert problems[1].endswith("4.png")


def test_sources_without_a_common_name_are_an_error_with_examples(fill):
    with pytest.raises(PairingError, match=r"a\.png.*b\.png.*rename them(?!.*pattern)"):
        find_scenes([fill("ir", "a.png"), fill("vis", "b.png")])


def test_a_folder_is_no_two_sources(fill):
    folder = fill("ir", "a.png")
    with pytest.raises(EvaluationError, match="given as two sources"):
        find_scenes([folder, folder / ".." / "ir"])


def test_a_method_has_the_files_of_the_scenes_and_says_what_it_lacks_and_what_is_too_many(fill):
    scenes, _ = find_scenes([fill("ir", "1.png", "2.png"), fill("vis", "1.png", "2.png")])
    method, problems = read_method("mine", fill("mine", "2.tif", "7.png"), scenes)
    assert (method.name, method.kind, set(method.files)) == ("mine", "folder", {"2"})
    assert "lacks 1 of 2 images: 1" in problems[0]
    assert problems[1].endswith("without a scene left out: 7.png")


def test_images_of_no_scene_are_counted_with_three_examples(fill):
    scenes, _ = find_scenes([fill("ir", "1.png"), fill("vis", "1.png")])
    _, (problem,) = read_method("mine", fill("mine", *(f"{i}.png" for i in range(1, 19))), scenes)
    assert problem.startswith("mine: 17 images in ")
    assert problem.endswith("without a scene left out: 2.png, 3.png, 4.png and 14 more")


def test_long_lists_are_counted_to_the_end(fill):
    scenes, _ = find_scenes(
        [fill("ir", *(f"{i}.png" for i in range(30))), fill("vis", *(f"{i}.png" for i in range(30)))]
    )
    _, problems = read_method("mine", fill("mine", "29.png"), scenes)
    assert "lacks 29 of 30 images: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 19 more" in problems[0]


def test_a_method_without_one_image_of_the_scenes_is_an_error_with_examples_of_both(fill):
    scenes, _ = find_scenes([fill("ir", "1.png"), fill("vis", "1.png")])
    with pytest.raises(EvaluationError, match=r"fused_1\.png.*the scenes are 1\b"):
        read_method("mine", fill("mine", "fused_1.png"), scenes)
    with pytest.raises(ImageReadError, match="nowhere"):
        read_method("mine", Path("nowhere"), scenes)


def test_two_images_of_one_name_are_an_error(fill):
    scenes, _ = find_scenes([fill("ir", "1.png"), fill("vis", "1.png")])
    with pytest.raises(EvaluationError, match=r"1\.jpg and 1\.png.*both '1'"):
        read_method("mine", fill("mine", "1.png", "1.jpg"), scenes)


def test_the_references_are_average_and_maximum():
    assert [(method.name, method.kind) for method in references()] == [
        ("Average", "reference"),
        ("Maximum", "reference"),
    ]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a", "b", "a"], "two methods are called a"),
        (["Maximum"], "Maximum is added to every table by itself"),
        ([""], "no name of a method: it is empty"),
        (["a/b"], r"it holds /\. .* without / \\ "),
        (["a\nb>"], r"it holds '\\n' >"),
        ([".."], "begins with a dot"),
        ([" a"], "a space at an end"),
    ],
)
def test_names_that_could_not_stand_in_a_table_or_name_a_folder_are_refused(names, said):
    with pytest.raises(EvaluationError, match=said):
        check_names(names)


@pytest.mark.parametrize("name", [*(f"a{sign}b" for sign in ':*?"<>|'), "ivif.", "con", "Com1.x"])
def test_models_are_not_called_what_no_folder_can_be_called_on_windows(name):
    with pytest.raises(EvaluationError, match=r"Windows.*give the model another name, OTHER_NAME=MODEL"):
        check_folder_names([name])


def test_usual_names_pass():
    names = ["CDDFuse", "Laplacian5-max", "ivif (mine)", "Größe", "average", "ivif 1.0", "controlled"]
    check_names(names)
    check_folder_names(names)
    check_names(["ours*", "theirs: large?"])  # of folders that are there already


def test_sources_are_called_as_their_folders(fill):
    assert source_names([Path("set/ir"), Path("set/vis")]) == ("ir", "vis")
    assert source_names([Path("ir/test"), Path("vis/test")]) == ("ir/test", "vis/test")
