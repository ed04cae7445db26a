"""Files looked at before a training: sizes from headers, every bad scene named, nothing decoded."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from imfuse.errors import ImageReadError, RecipeError
from imfuse.images.files import read_image
from imfuse.images.image import Stack
from imfuse.lab.data.file_checks import check_files, stored_size

EXIF_TURNED = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"


def picture(path: Path, height: int = 6, width: int = 9) -> Path:
    assert cv2.imwrite(str(path), np.zeros((height, width), np.uint8))
    return path


def pair(folder: Path, stem: str, *sizes: tuple[int, int]) -> Stack:
    return Stack(stem, tuple(picture(folder / f"{stem}{i}.png", *size) for i, size in enumerate(sizes)))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif", ".webp"])
def test_the_header_gives_the_size_of_the_decoded_picture(tmp_path, suffix):
    path = picture(tmp_path / f"a{suffix}")
    assert stored_size(path) == read_image(path).size == (6, 9)


def test_a_picture_that_is_turned_has_the_size_that_it_is_seen_at(tmp_path):
    path = picture(tmp_path / "a.jpg")
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xe1" + (len(EXIF_TURNED) + 2).to_bytes(2, "big") + EXIF_TURNED + data[2:])
    assert stored_size(path) == read_image(path).size == (9, 6)


@pytest.mark.parametrize("change", [lambda data: data[:-20], lambda data: b"no image", lambda data: b""])
def test_a_damaged_file_is_named(tmp_path, change):
    path = picture(tmp_path / "a.png")
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ImageReadError, match=r"a\.png is"):
        stored_size(path)


def test_scenes_of_one_size_each_pass_though_scenes_differ(tmp_path):
    check_files([pair(tmp_path, "a", (4, 5), (4, 5)), pair(tmp_path, "b", (7, 3), (7, 3), (7, 3))])
    check_files([])


def test_five_bad_scenes_are_named_and_the_others_counted(tmp_path):
    bad = [pair(tmp_path, stem, (4, 5), (5, 4)) for stem in "bcdefgh"]
    with pytest.raises(RecipeError, match=r"7 of 8 scenes") as caught:
        check_files([pair(tmp_path, "a", (4, 5), (4, 5)), *bad])
    named = str(caught.value).splitlines()[1:]
    assert [line.count("(5, 4)") for line in named] == [1, 1, 1, 1, 1, 0]
    assert "b0.png (4, 5), " in named[0]
    assert named[-1] == "  and 2 more"


def test_a_damaged_file_counts_as_a_bad_scene(tmp_path):
    stack = pair(tmp_path, "a", (4, 5), (4, 5))
    stack.paths[1].write_bytes(b"no image")
    with pytest.raises(RecipeError, match=r"1 of 1 scenes(?s:.*)a1\.png is not"):
        check_files([stack])
