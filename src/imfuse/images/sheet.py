"""The contact sheet: the sources, their average and the fused picture, side by side with labels."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.images.depth import to_unit
from imfuse.images.image import Pixels

Picture = NDArray[np.uint8]
"""`(h, w, 3)` RGB, ready to be looked at."""

TILE_WIDTH = 480
SMALLEST_WIDTH = 240
STRIP = 30
GAP = 6
PAPER = 24
INK = (235, 235, 235)


def for_display(pixels: Pixels) -> Picture:
    """Any pixels as 8-bit RGB; deeper ones are stretched between their 0.5 and 99.5 percentiles.

    >>> for_display(np.full((2, 3), 7, np.uint8)).shape
    (2, 3, 3)
    """
    shown = pixels
    if pixels.dtype != np.uint8:
        shown = np.rint(to_unit(pixels, "percentile") * 255)
    if shown.ndim == 2:
        shown = np.repeat(shown[..., None], 3, axis=2)
    return np.ascontiguousarray(shown, np.uint8)


def average(pictures: Sequence[Picture]) -> Picture:
    """The plain mean of pictures of equal size, which every fusion has to better."""
    return np.rint(np.mean([picture.astype(np.float32) for picture in pictures], axis=0)).astype(np.uint8)


def fusion_sheet(sources: Sequence[Pixels], names: Sequence[str], fused: Pixels) -> Picture:
    """Sources above, average and fused below.

    Args:
        sources: of equal size, in the model's order.
        names: one label a source.
        fused: of the same size.
    """
    shown = [for_display(source) for source in sources]
    fused_shown = for_display(fused)
    pictures = [*shown, average(shown), fused_shown]
    columns = len(sources) if len(sources) <= 4 else math.ceil(math.sqrt(len(pictures)))
    return contact_sheet(pictures, [*names, "average", "fused"], columns=columns)


def contact_sheet(pictures: Sequence[Picture], labels: Sequence[str], *, columns: int) -> Picture:
    """Lay labelled pictures out in rows.

    Args:
        pictures: 8-bit RGB, of any sizes; each is scaled to the width of the widest, 240 to 480 pixels.
        labels: one a picture; letters outside ASCII lose their accents.
        columns: pictures in a row.
    """
    width = max(SMALLEST_WIDTH, min(TILE_WIDTH, max(picture.shape[1] for picture in pictures)))
    tiles = [_tile(picture, label, width) for picture, label in zip(pictures, labels, strict=True)]
    rows = [_row(tiles[start : start + columns], columns) for start in range(0, len(tiles), columns)]
    return np.pad(np.concatenate(rows), ((GAP, 0), (GAP, 0), (0, 0)), constant_values=PAPER)


def _tile(picture: Picture, label: str, width: int) -> Picture:
    """One picture at `width` pixels under its label."""
    height = max(1, round(picture.shape[0] * width / picture.shape[1]))
    # A strip of one pixel's width would otherwise become a tile taller than a screen.
    height = min(height, 4 * width)
    shrinking = picture.shape[1] >= width
    scaled = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_NEAREST)
    strip = np.full((STRIP, width, 3), PAPER, np.uint8)
    cv2.putText(strip, _short(label, width), (6, 21), cv2.FONT_HERSHEY_SIMPLEX, 0.6, INK, 1, cv2.LINE_AA)
    return np.concatenate([strip, np.asarray(scaled, np.uint8)])


def _short(label: str, width: int) -> str:
    """The label in ASCII, which is all that OpenCV can draw, cut to what fits in `width` pixels."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
    while len(plain) > 4 and cv2.getTextSize(plain, cv2.FONT_HERSHEY_SIMPLEX, 0.6, 1)[0][0] > width - 12:
        plain = plain[:-4] + "..."
    return plain


def _row(tiles: Sequence[Picture], columns: int) -> Picture:
    """Tiles side by side, filled up with paper to `columns` of them."""
    height = max(tile.shape[0] for tile in tiles)
    width = tiles[0].shape[1]
    row = np.full((height + GAP, columns * (width + GAP), 3), PAPER, np.uint8)
    for column, tile in enumerate(tiles):
        start = column * (width + GAP)
        row[: tile.shape[0], start : start + width] = tile
    return row
