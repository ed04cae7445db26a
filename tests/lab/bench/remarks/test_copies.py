from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imfuse.images.files import write_image
from imfuse.lab.bench.evaluation import Evaluation, Method, Scene
from imfuse.lab.bench.remarks import remarks
from imfuse.lab.bench.remarks.copies import copy_remarks, is_copy
from imfuse.lab.bench.statistics import summarise

SCENES = 8


def write_set(folder: Path) -> Evaluation:
    """Methods that are the grey source, the luma of the coloured one, in half of the images so, and neither."""
    generator, files = np.random.default_rng(0), {name: {} for name in ("mine", "seen", "half", "own")}
    scenes = []
    for index in range(SCENES):
        stem = f"{index:02}"
        ir, own = generator.integers(0, 256, (2, 12, 16), dtype=np.uint8)
        vis = generator.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        made = {"ir": ir, "vis": vis, "mine": ir, "seen": vis, "half": ir if index % 2 else own, "own": own}
        for name, pixels in made.items():
            write_image(folder / name / f"{stem}.png", pixels)
        scenes.append(Scene(stem, (folder / "ir" / f"{stem}.png", folder / "vis" / f"{stem}.png")))
        for name, of_method in files.items():
            of_method[stem] = folder / name / f"{stem}.png"
    methods = (
        *(Method(name, "folder", of_method) for name, of_method in files.items()),
        Method("Average", "reference"),
    )
    values = generator.uniform(1, 2, (len(methods), 1, SCENES))
    return Evaluation("set", ("ir", "vis"), tuple(scenes), methods, ("EN",), ("EN",), values)


def test_copies_of_sources_are_named_first(tmp_path):
    evaluation = write_set(tmp_path)
    expected = [
        "mine equals source ir in 8 of 8 images: is it the right folder?",
        "seen equals source vis in 8 of 8 images: is it the right folder?",
    ]
    assert list(copy_remarks(evaluation)) == expected
    assert list(remarks(evaluation, summarise(evaluation, resamples=20))[:2]) == expected


def test_what_cannot_be_read_is_not_compared(tmp_path):
    evaluation = write_set(tmp_path)
    (tmp_path / "mine" / "00.png").write_bytes(b"no picture")
    (tmp_path / "ir" / "01.png").unlink()
    assert next(copy_remarks(evaluation)).startswith("mine equals source ir in 6 of 6 images")


@pytest.mark.parametrize(("change", "same"), [(0, True), (1, True), (2, False)])
def test_one_level_is_rounding_and_two_are_not(change, same):
    source = np.full((4, 5), 100, np.uint8)
    fused = source.copy()
    fused[0, 0] += change
    assert is_copy(fused, source) is same


def test_raw_images_that_use_few_levels_are_told_apart():
    source = np.random.default_rng(0).integers(8000, 8100, (4, 5), dtype=np.uint16)
    assert is_copy(source, source)
    assert not is_copy(source[::-1].copy(), source)
