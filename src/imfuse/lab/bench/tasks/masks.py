"""Labels of pixels: a mask an image, of its stem, whose values are class numbers; 255 is not labelled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import EvaluationError
from imfuse.images.files import list_images, read_image
from imfuse.images.medical import file_stem

UNLABELLED = 255

Mask = NDArray[np.uint8]
"""`(h, w)` class numbers."""


def find_masks(folder: Path, stems: Iterable[str]) -> dict[str, Path]:
    """The mask of each stem that has one in the folder.

    Raises:
        EvaluationError: no folder, or no mask of any stem.
    """
    if not folder.is_dir():
        raise EvaluationError(f"{folder}: no such folder; expected masks, one an image")
    files = {file_stem(path): path for path in list_images(folder)}
    stems = tuple(stems)
    found = {stem: files[stem] for stem in stems if stem in files}
    if not found:
        example = f"{stems[0]}.png" if stems else "<stem>.png"
        raise EvaluationError(f"{folder}: holds no mask of any of {len(stems)} images; expected files as {example}")
    return found


def read_mask(path: Path) -> Mask:
    """The class numbers of a mask; of a palette the indices, not the colours.

    Raises:
        EvaluationError: the mask is in colour, or deeper than 8 bits.
        ImageReadError: it cannot be read.
    """
    pixels = read_image(path).pixels
    if pixels.ndim == 3:
        return _palette_indices(path)
    if pixels.dtype != np.uint8:
        raise EvaluationError(f"{path}: found values of {pixels.dtype}; expected 8-bit class numbers")
    return np.asarray(pixels, np.uint8)


def count_values(masks: Mapping[str, Path], classes: Sequence[str]) -> NDArray[np.int64]:
    """How many pixels of all masks hold each value, `(256,)`.

    Raises:
        EvaluationError: a value is beyond the classes, or a mask is no mask.
    """
    total = np.zeros(256, np.int64)
    for path in masks.values():
        counts = np.bincount(read_mask(path).ravel(), minlength=256)
        beyond = [value for value in np.flatnonzero(counts) if len(classes) <= value != UNLABELLED]
        if beyond:
            raise EvaluationError(
                f"{path}: found the value {beyond[0]}; the {len(classes)} names of classes allow 0 to "
                f"{len(classes) - 1}, and {UNLABELLED} for what is not labelled; name all of the classes in their order"
            )
        total += counts
    return total


def is_binary(counts: NDArray[np.int64], classes: Sequence[str]) -> bool:
    """Whether masks of two classes hold 0 and 255 alone, which then stand for 0 and 1."""
    return len(classes) == 2 and set(np.flatnonzero(counts)) == {0, UNLABELLED}


def _palette_indices(path: Path) -> Mask:
    from PIL import Image

    with Image.open(path) as picture:
        if picture.mode != "P":
            raise EvaluationError(f"{path}: is in colour; expected one channel of class numbers, or a palette")
        return np.asarray(picture, np.uint8)
