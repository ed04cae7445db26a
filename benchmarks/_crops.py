"""Labelled crops of registered infrared and visible pictures, held in memory at one size."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from imfuse.errors import EvaluationError
from imfuse.images.colour import luma
from imfuse.images.files import list_images, read_image
from imfuse.runtime.card import file_sha256

LIGHTS = ("day", "night")
COLUMNS = ("stem", "light", "class")
LAYOUT = "expected train/ and test/, each with ir/, vis/ and labels.csv (columns stem, light, class)"
FRAME = re.compile(r"_(\d+)_\d+$")
NEIGHBOURS = 100
"""Frames whose numbers agree but for the last two digits are taken for neighbours in a video."""
HELD_OUT = 5
"""Of so many groups of neighbours, one is held out."""
MAX_SHIFT = 2


@dataclass(frozen=True, eq=False)
class Crops:
    """Crops of both modalities, in [-1, 1], with what is known of them."""

    infrared: Float[Tensor, "n 1 s s"]
    visible: Float[Tensor, "n 3 s s"]
    labels: Int[Tensor, " n"]
    night: Bool[Tensor, " n"]
    frames: Int[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, chosen: Tensor) -> Crops:
        return Crops(*(each[chosen] for each in (self.infrared, self.visible, self.labels, self.night, self.frames)))


@dataclass(frozen=True, eq=False)
class CropSet:
    """The official split of a folder of crops; `fingerprint` tells it from others by its labels."""

    train: Crops
    test: Crops
    classes: tuple[str, ...]
    fingerprint: str


def read_crops(folder: Path, side: int) -> CropSet:
    """Read both parts; every crop is squashed to a square, so that the shape of a box does not tell its class.

    Raises:
        EvaluationError: the folder is not laid out as it should be, or a label is unknown.
        ImageReadError: a crop cannot be read.
    """
    rows = {part: _read_labels(folder / part) for part in ("train", "test")}
    classes = tuple(sorted({row["class"] for row in rows["train"]}))
    train, test = (_read_part(folder / part, rows[part], classes, side) for part in ("train", "test"))
    fingerprint = "-".join(file_sha256(folder / part / "labels.csv")[:8] for part in ("train", "test"))
    return CropSet(train, test, classes, fingerprint)


def _read_labels(folder: Path) -> list[dict[str, str]]:
    path = folder / "labels.csv"
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path} cannot be read ({error}); {LAYOUT}; name the folder above train/") from error
    if not rows or any(row.get(column) is None for row in rows for column in COLUMNS):
        found = ", ".join(rows[0]) if rows else "no row"
        raise EvaluationError(f"{path} holds {found}; {LAYOUT}; mend the file")
    return rows


def _read_part(folder: Path, rows: list[dict[str, str]], classes: tuple[str, ...], side: int) -> Crops:
    for row in rows:
        _check(row, classes, folder / "labels.csv")
    frames = [int(match[1]) for row in rows if (match := FRAME.search(row["stem"]))]
    stems = [row["stem"] for row in rows]
    return Crops(
        _read_squares(folder / "ir", stems, side, colour=False),
        _read_squares(folder / "vis", stems, side, colour=True),
        torch.tensor([classes.index(row["class"]) for row in rows]),
        torch.tensor([row["light"] == "night" for row in rows]),
        torch.tensor(frames),
    )


def _check(row: dict[str, str], classes: tuple[str, ...], path: Path) -> None:
    for column, allowed in (("class", classes), ("light", LIGHTS)):
        if row[column] not in allowed:
            raise EvaluationError(
                f"{path}: {row['stem']} has {column} {row[column]!r}, expected one of {', '.join(allowed)}; "
                "correct the row or leave it out"
            )
    if not FRAME.search(row["stem"]):
        raise EvaluationError(
            f"{path}: the stem {row['stem']!r} names no frame, expected <anything>_<frame>_<object>; rename it"
        )


def _read_squares(folder: Path, stems: list[str], side: int, *, colour: bool) -> Float[Tensor, "n c s s"]:
    paths = {path.stem: path for path in list_images(folder)}
    missing = next((stem for stem in stems if stem not in paths), None)
    if missing is not None:
        raise EvaluationError(f"{folder} has no picture {missing}, which labels.csv names; add it, or remove the row")
    return torch.from_numpy(np.stack(list(_squares((paths[stem] for stem in stems), side, colour))))


def _squares(paths: Iterator[Path], side: int, colour: bool) -> Iterator[np.ndarray]:
    for path in paths:
        pixels = read_image(path).pixels
        pixels = np.atleast_3d(pixels if colour else luma(pixels)).astype(np.float32)
        square = np.atleast_3d(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA))
        square = np.broadcast_to(square, (side, side, 3 if colour else 1))
        yield np.ascontiguousarray(square.transpose(2, 0, 1)) / np.float32(127.5) - 1


def hold_out(crops: Crops) -> tuple[Crops, Crops]:
    """Split what may be trained on into training and choosing; neighbouring frames stay together."""
    held = crops.frames // NEIGHBOURS % HELD_OUT == 0
    return crops[~held], crops[held]


def augment(images: Float[Tensor, "b c s s"], flipped: Bool[Tensor, " b"], shifts: Int[Tensor, "b 2"]) -> Tensor:
    """Mirror some crops left to right and shift each by whole pixels, the border replicated."""
    side = torch.arange(images.shape[-1])
    rows = (side + shifts[:, :1]).clamp(0, len(side) - 1)
    columns = (side + shifts[:, 1:]).clamp(0, len(side) - 1)
    columns = torch.where(flipped[:, None], columns.flip(1), columns)
    crop = torch.arange(len(images))[:, None, None]
    return images[crop, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
