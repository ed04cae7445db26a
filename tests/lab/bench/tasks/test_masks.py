"""Masks: class numbers of pixels, from grey files and palettes."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from imfuse.errors import EvaluationError
from imfuse.lab.bench.tasks.masks import count_values, find_masks, is_binary, read_mask

VALUES = np.array([[0, 1, 2], [2, 1, 255]], np.uint8)


def test_grey_values_are_class_numbers(tmp_path):
    Image.fromarray(VALUES).save(tmp_path / "a.png")
    assert (read_mask(tmp_path / "a.png") == VALUES).all()


def test_of_a_palette_the_indices_count_and_not_the_colours(tmp_path):
    picture = Image.fromarray(VALUES).convert("P")
    picture.putdata(VALUES.ravel().tolist())
    picture.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0] + [224, 224, 192] * 253)
    picture.save(tmp_path / "a.png")
    assert (read_mask(tmp_path / "a.png") == VALUES).all()


def test_masks_in_colour_or_of_16_bits_are_errors(tmp_path):
    Image.fromarray(np.stack([VALUES, VALUES, VALUES + 1], 2)).save(tmp_path / "a.png")
    with pytest.raises(EvaluationError, match=r"a\.png: is in colour"):
        read_mask(tmp_path / "a.png")
    Image.fromarray(VALUES.astype(np.uint16)).save(tmp_path / "b.png")
    with pytest.raises(EvaluationError, match=r"b\.png: found values of uint16"):
        read_mask(tmp_path / "b.png")


def test_masks_are_found_by_the_stem_of_the_image(tmp_path):
    for name in ("a.png", "b.bmp", "other.png"):
        Image.fromarray(VALUES).save(tmp_path / name)
    found = find_masks(tmp_path, ["a", "b", "c"])
    assert {stem: path.name for stem, path in found.items()} == {"a": "a.png", "b": "b.bmp"}
    with pytest.raises(EvaluationError, match=r"holds no mask of any of 1 images; expected files as c\.png"):
        find_masks(tmp_path, ["c"])
    with pytest.raises(EvaluationError, match="no such folder"):
        find_masks(tmp_path / "none", ["a"])


def test_values_are_counted_and_must_have_a_class(tmp_path):
    Image.fromarray(VALUES).save(tmp_path / "a.png")
    counts = count_values({"a": tmp_path / "a.png"}, ("soil", "crop", "weed"))
    assert counts[[0, 1, 2, 3, 255]].tolist() == [1, 2, 2, 0, 1]
    with pytest.raises(EvaluationError, match=r"a\.png: found the value 2; the 2 names of classes allow 0 to 1"):
        count_values({"a": tmp_path / "a.png"}, ("soil", "crop"))


@pytest.mark.parametrize(
    ("values", "classes", "expected"), [((0, 255), 2, True), ((0, 1, 255), 2, False), ((0, 255), 3, False)]
)
def test_black_and_white_masks_of_two_classes_are_told(values, classes, expected):
    counts = np.zeros(256, np.int64)
    counts[list(values)] = 1
    assert is_binary(counts, ("name",) * classes) is expected
