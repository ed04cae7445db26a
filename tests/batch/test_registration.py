"""What the moved source does not reach repeats the reference, in its transparency too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from imfuse.align import Alignment
from imfuse.batch.registration import Registration, register_images, remark
from imfuse.images.image import Image

SIZE = (60, 80)


def registration(dx: float, dy: float, after: float = 0.9) -> Registration:
    matrix = np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1]], np.float64)
    alignment = Alignment(matrix, 0.5, after, 1, SIZE, SIZE)
    return Registration(alignment, ~alignment.covered())


@pytest.mark.parametrize(("dtype", "low", "high"), [("uint8", 100, 150), ("uint16", 7400, 7600), ("float32", 0.4, 0.6)])
def test_a_moved_source_stays_within_its_own_values_but_for_the_repeated_reference(dtype: Any, low, high) -> None:
    moving = (low + np.random.default_rng(0).random(SIZE) * (high - low)).astype(dtype)
    found = registration(3.5, 2.5)
    moved = found.apply(moving, np.zeros(SIZE, np.uint8))
    seen = moved[~found.missing]
    assert moving.min() <= seen.min() <= seen.max() <= moving.max()
    assert moved[found.missing].max() <= low + 0.01 * (high - low)


def test_what_repeats_the_reference_is_opaque(monkeypatch: pytest.MonkeyPatch) -> None:
    found = registration(20, 0)
    monkeypatch.setattr("imfuse.batch.registration.find_registration", lambda *_: found)
    grey = np.random.default_rng(1).integers(0, 256, SIZE, np.uint8)
    half = np.full(SIZE, 128, np.uint8)
    images, _ = register_images([Image(grey, half), Image(grey)], ["A", "B"], "translation")
    assert images[0].alpha is not None
    assert (images[0].alpha[:, :20] == 255).all()
    assert (images[0].alpha[:, 22:] == 128).all()


def test_what_repeats_a_transparent_reference_is_as_transparent(monkeypatch: pytest.MonkeyPatch) -> None:
    found = registration(20, 0)
    monkeypatch.setattr("imfuse.batch.registration.find_registration", lambda *_: found)
    grey = np.zeros(SIZE, np.uint16)
    moving, reference = Image(grey, grey + 65_535), Image(grey.astype(np.uint8), np.full(SIZE, 51, np.uint8))
    images, _ = register_images([moving, reference], ["A", "B"], "translation")
    assert images[0].alpha is not None
    assert (images[0].alpha[:, :20] == 51 * 257).all()


def test_a_source_that_could_not_be_matched_better_is_said_not_to_have_moved() -> None:
    assert "A aligned onto B: match 0.500 before, 0.900 after" in remark(registration(1, 1), "A", "B")
    assert "A not moved: nothing matches B better" in remark(registration(0, 0, after=0.5), "A", "B")
