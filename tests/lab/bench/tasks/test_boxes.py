"""Files of boxes and of class names: what they hold, and what is said of bad ones."""

from __future__ import annotations

import numpy as np
import pytest

from imfuse.errors import EvaluationError
from imfuse.lab.bench.tasks.boxes import read_boxes
from imfuse.lab.bench.tasks.classes import COCO, find_class_names, share_classes


def test_lines_become_corners_as_fractions(tmp_path):
    (tmp_path / "a.txt").write_text("0 0.5 0.25 0.2 0.1\n\n2 0.1 0.9 0.2 0.2\r\n")
    (tmp_path / "b.txt").write_text("")
    found = read_boxes(tmp_path, ["a", "b", "c"], COCO)
    assert list(found) == ["a", "b"]
    assert np.allclose(found["a"].boxes, [[0.4, 0.2, 0.6, 0.3], [0, 0.8, 0.2, 1]])
    assert found["a"].labels.tolist() == [0, 2]
    assert found["b"].boxes.shape == (0, 4)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0 0.5 0.5 0.1", "found 4 values"),
        ("0 0.5 0.5 0.1 0.1 0.9", "found 6 values"),
        ("person 0.5 0.5 0.1 0.1", "found 'person 0.5"),
        ("0 320 240 32 24", "found '0 320"),
        ("0 0.5 0.5 0 0.1", "w and h above 0"),
        ("0 0.5 nan 0.1 0.1", "in \\[0, 1\\]"),
        ("2 0.5 0.5 0.1 0.1", "found the class 2; the 2 names of classes allow 0 to 1"),
        ("0.5 0.5 0.5 0.1 0.1", "found the class 0.5"),
        ("-1 0.5 0.5 0.1 0.1", "found the class -1"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, said):
    (tmp_path / "a.txt").write_text(f"0 0.5 0.5 0.1 0.1\n{line}\n")
    with pytest.raises(EvaluationError, match=rf"a\.txt, line 2: .*{said}"):
        read_boxes(tmp_path, ["a"], ("cat", "dog"))


def test_a_folder_without_boxes_is_an_error(tmp_path):
    with pytest.raises(EvaluationError, match=r"holds no boxes for any of 1 images; expected files as a\.txt"):
        read_boxes(tmp_path, ["a"], COCO)
    with pytest.raises(EvaluationError, match="no such folder"):
        read_boxes(tmp_path / "none", ["a"], COCO)


def test_bytes_that_are_no_text_are_an_error(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(EvaluationError, match=r"a\.txt: cannot be read as text"):
        read_boxes(tmp_path, ["a"], COCO)


@pytest.mark.parametrize("name", ["classes.txt", "obj.names", "labels.txt"])
@pytest.mark.parametrize("place", [".", ".."])
def test_class_names_lie_beside_the_boxes_or_above(tmp_path, name, place):
    folder = tmp_path / "boxes"
    folder.mkdir()
    assert find_class_names(folder) is None
    (folder / place / name).write_text("people\ncar\n")
    assert find_class_names(folder) == ("people", "car")


def test_an_empty_file_of_names_is_an_error(tmp_path):
    (tmp_path / "classes.txt").write_text("\n")
    with pytest.raises(EvaluationError, match="holds no names"):
        find_class_names(tmp_path)


def test_classes_are_matched_by_name_with_the_words_of_other_sets():
    names = ("People", "Car", "Bus", "Lamp", "Motorcycle", "Truck", "pedestrian")
    shared = share_classes(names, range(7), COCO)
    assert shared.names == ("People", "Car", "Bus", "Motorcycle", "Truck")
    assert shared.unknown == ("Lamp",)
    assert shared.from_labels == {0: 0, 1: 1, 2: 2, 4: 3, 5: 4, 6: 0}
    assert shared.from_network == {COCO.index("person"): 0, 2: 1, 3: 3, 5: 2, 7: 4}
    assert shared.names == tuple(dict.fromkeys(shared.names))


def test_coco_has_80_classes_at_their_usual_numbers():
    assert len(set(COCO)) == 80
    assert [COCO.index(name) for name in ("person", "car", "dog", "toothbrush")] == [0, 2, 16, 79]
