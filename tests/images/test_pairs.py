"""Files that belong together are found, and what has no partner is said."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imfuse.errors import ImageReadError, PairingError
from imfuse.images.pairs import pair_folders, pair_pattern


def fill(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_files_are_matched_by_stem_whatever_the_suffix(tmp_path: Path) -> None:
    infrared = fill(tmp_path / "ir", "10.png", "9.PNG", "b.tif")
    visible = fill(tmp_path / "vis", "9.jpg", "10.jpeg", "b.webp", "notes.txt", ".10.png")
    pairing = pair_folders([infrared, str(visible)])
    assert [stack.name for stack in pairing.stacks] == ["9", "10", "b"]
    assert pairing.stacks[0].paths == (infrared / "9.PNG", visible / "9.jpg")
    assert pairing.unmatched == ()


def test_more_than_two_folders_keep_their_order_and_what_has_no_partner_is_listed(tmp_path: Path) -> None:
    folders = [
        fill(tmp_path / "mri", "1.png", "2.png", "3.png"),
        fill(tmp_path / "ct", "2.png", "3.png"),
        fill(tmp_path / "pet", "3.png", "4.png"),
    ]
    pairing = pair_folders(folders)
    assert [stack.paths for stack in pairing.stacks] == [tuple(folder / "3.png" for folder in folders)]
    left = [folders[0] / "1.png", folders[0] / "2.png", folders[1] / "2.png", folders[2] / "4.png"]
    assert list(pairing.unmatched) == left


def test_a_dot_in_a_name_and_its_case_belong_to_the_stem(tmp_path: Path) -> None:
    pairing = pair_folders([fill(tmp_path / "a", "v1.2.png", "X.png"), fill(tmp_path / "b", "v1.2.jpg", "x.png")])
    assert [stack.name for stack in pairing.stacks] == ["v1.2"]
    assert [path.name for path in pairing.unmatched] == ["X.png", "x.png"]


def test_two_files_of_one_stem_in_a_folder_are_named(tmp_path: Path) -> None:
    folders = [fill(tmp_path / "a", "1.jpg", "1.png"), fill(tmp_path / "b", "1.png")]
    with pytest.raises(PairingError, match=r"1\.jpg and 1\.png are both '1' in .*a; remove or rename one"):
        pair_folders(folders)


def test_folders_without_a_common_stem_are_shown_with_examples_and_the_way_out(tmp_path: Path) -> None:
    folders = [fill(tmp_path / "a", *(f"ir_{i}.png" for i in range(5))), fill(tmp_path / "b", "vis_0.png")]
    with pytest.raises(PairingError) as caught:
        pair_folders(folders)
    text = str(caught.value)
    assert "a holds ir_0.png, ir_1.png, ir_2.png and 2 more" in text
    assert "b holds vis_0.png" in text
    assert "{id}_ir.png {id}_vis.png" in text


def test_a_folder_without_pictures_one_folder_and_no_folder_are_errors(tmp_path: Path) -> None:
    full, empty = fill(tmp_path / "a", "1.png"), fill(tmp_path / "b", "1.txt")
    with pytest.raises(PairingError, match=r"b holds no pictures \(\.bmp \.dcm"):
        pair_folders([full, empty])
    with pytest.raises(PairingError, match="found 1 folder, and two or more were expected"):
        pair_folders([full])
    with pytest.raises(ImageReadError, match="gone cannot be read as a folder"):
        pair_folders([full, tmp_path / "gone"])


def test_a_folder_fits_itself(tmp_path: Path) -> None:
    folder = fill(tmp_path / "a", "1.png")
    assert pair_folders([folder, folder]).stacks[0].paths == (folder / "1.png", folder / "1.png")


@settings(max_examples=60, deadline=None)
@given(names=st.lists(st.sets(st.integers(0, 12), min_size=1), min_size=2, max_size=4))
def test_the_stacks_are_the_intersection_and_the_rest_is_unmatched(names: list[set[int]]) -> None:
    common = set.intersection(*names)
    with tempfile.TemporaryDirectory() as root:
        folders = [fill(Path(root, str(i)), *(f"{n}.png" for n in each)) for i, each in enumerate(names)]
        if not common:
            with pytest.raises(PairingError, match="no picture has a partner"):
                pair_folders(folders)
            return
        pairing = pair_folders(folders)
    assert [int(stack.name) for stack in pairing.stacks] == sorted(common)
    assert len(pairing.unmatched) == sum(len(each - common) for each in names)


def test_a_pattern_matches_files_of_one_folder(tmp_path: Path) -> None:
    folder = fill(
        tmp_path, "a_ir.PNG", "a_vis.png", "10_ir.png", "10_vis.png", "9_ir.png", "9_vis.png", "b_ir.png", "c.png"
    )
    pairing = pair_pattern(folder, ("{id}_ir.png", "{id}_vis.png"))
    assert [stack.name for stack in pairing.stacks] == ["9", "10", "a"]
    assert pairing.stacks[2].paths == (folder / "a_ir.PNG", folder / "a_vis.png")
    assert [path.name for path in pairing.unmatched] == ["b_ir.png", "c.png"]


@pytest.mark.parametrize(
    "patterns", [("{id}-ir", "{id}-vis"), ("{id}-ir.*", "{id}-vis.*"), ("{id}-ir.tif", "{id}-vis.jpg")]
)
def test_a_pattern_may_leave_the_suffix_open(patterns: tuple[str, str], tmp_path: Path) -> None:
    folder = fill(tmp_path, "x.1-ir.tif", "x.1-vis.jpg")
    assert [stack.name for stack in pair_pattern(folder, patterns).stacks] == ["x.1"]


def test_the_signs_of_a_pattern_mean_themselves(tmp_path: Path) -> None:
    folder = fill(tmp_path, "1(a)+.png", "1(b)+.png", "1aa.png", "1bb.png")
    assert len(pair_pattern(folder, ("{id}(a)+.png", "{id}(b)+.png")).stacks) == 1


def test_the_bare_id_is_a_pattern_of_its_own(tmp_path: Path) -> None:
    pairing = pair_pattern(fill(tmp_path, "7.png", "7_T.png"), ("{id}_T.png", "{id}.png"))
    assert [[path.name for path in stack.paths] for stack in pairing.stacks] == [["7_T.png", "7.png"]]
    assert pairing.unmatched == ()


def test_patterns_that_nothing_fits_are_shown_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(PairingError, match=r"fit all of the patterns '\{id\}_a.png' '\{id\}_b.png'; it holds 1_ir.png"):
        pair_pattern(fill(tmp_path, "1_ir.png", "1_vis.png"), ("{id}_a.png", "{id}_b.png"))
    with pytest.raises(PairingError, match="it holds no pictures"):
        pair_pattern(fill(tmp_path / "empty"), ("{id}_a.png", "{id}_b.png"))


@pytest.mark.parametrize("wrong", ["ir.png", "{id}_{id}.png", "ir/{id}.png", "{ID}.png"])
def test_a_pattern_without_one_id_is_an_error(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(PairingError, match=r"a file name with one \{id\} was expected, as \{id\}_ir\.png"):
        pair_pattern(tmp_path, (wrong, "{id}_vis.png"))


@pytest.mark.parametrize("patterns", [(), ("{id}_ir.png",), ("{id}_ir.png", "{id}_ir.png")])
def test_fewer_than_two_different_patterns_are_an_error(patterns: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(PairingError, match="two or more different ones were expected"):
        pair_pattern(tmp_path, patterns)


def test_two_files_that_fit_one_pattern_with_one_id_are_named(tmp_path: Path) -> None:
    folder = fill(tmp_path, "1_ir.png", "1_ir.jpg", "1_vis.png")
    with pytest.raises(PairingError, match=r"1_ir\.jpg and 1_ir\.png are both '1' in '\{id\}_ir'"):
        pair_pattern(folder, ("{id}_ir", "{id}_vis"))


def test_real_folders_pair_completely(shared_data: Path) -> None:
    folder = shared_data / "infrared" / "RoadScene" / "test"
    pairing = pair_folders([folder / "ir", folder / "vis"])
    assert len(pairing.stacks) == 25
    assert pairing.unmatched == ()


def test_volumes_are_matched_where_they_are_wanted(tmp_path: Path) -> None:
    folders = [fill(tmp_path / "ct", "a.nii.gz", "b.1.nii"), fill(tmp_path / "mri", "a.nii", "b.1.NII.GZ")]
    assert [stack.name for stack in pair_folders(folders, volumes=True).stacks] == ["a", "b.1"]
    with pytest.raises(PairingError, match=r"ct holds no pictures"):
        pair_folders(folders)


@pytest.mark.parametrize("ending", [".nii.gz", "", ".*"])
def test_volumes_fit_patterns(ending: str, tmp_path: Path) -> None:
    folder = fill(tmp_path, "x.1_ct.nii.gz", "x.1_mri.nii.gz")
    pairing = pair_pattern(folder, (f"{{id}}_ct{ending}", f"{{id}}_mri{ending}"), volumes=True)
    assert [stack.name for stack in pairing.stacks] == ["x.1"]
