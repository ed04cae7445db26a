"""Make the golden files beside this script again: `python tests/golden/make.py`.

They hold what `Fuser.load(method)` made of analytic sources when it was checked last, so that every change of colour or
depth is noticed by `tests/images/test_golden.py`. Make them again only when such a change is meant, look at the new
pictures, and say in the changelog what changed. Floats are stored as 16 bits.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse import Fuser
from imfuse.images.depth import from_unit
from imfuse.images.files import write_image

FOLDER = Path(__file__).resolve().parent
HEIGHT, WIDTH = 24, 32
METHODS = ("average", "laplacian")


def grey() -> NDArray[np.float64]:
    """A bright disc on a ramp, `(h, w)` in [0, 1]."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    disc = (rows - 8) ** 2 + (columns - 20) ** 2 < 30
    return np.where(disc, 0.95, 0.1 + 0.5 * columns / WIDTH)


def street() -> NDArray[np.float64]:
    """Stripes between saturated colours, from black to white, `(h, w, 3)` in [0, 1]."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    brightness = rows / (HEIGHT - 1)
    hues = np.array([[1, 0.1, 0], [0, 0.9, 0.2], [0.1, 0.2, 1], [1, 1, 0.1], [0.5, 0.5, 0.5]])[columns // 7]
    return np.clip(hues * 1.6 * brightness[..., None] + np.maximum(brightness - 0.7, 0)[..., None] * 2, 0, 1)


def garden() -> NDArray[np.float64]:
    """Green to violet across, `(h, w, 3)` in [0, 1]."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    across, down = columns / (WIDTH - 1), rows / (HEIGHT - 1)
    return np.stack([across, 0.8 * (1 - across), 0.3 + 0.6 * across * down], axis=-1)


def raw_thermal() -> NDArray[np.uint16]:
    """The disc as a thermal camera counts it: a small part of 16 bits, with one dead and one hot pixel.

    Few counts are equal, so that another percentile gives another picture.
    """
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    counts = (7000 + 900 * grey() + 11 * rows + columns).round().astype(np.uint16)
    counts[2, 3], counts[20, 30] = 0, 65535
    return counts


def cases() -> dict[str, tuple[NDArray[Any], ...]]:
    """The sources of every golden file."""
    eight = {picture: (255 * picture()).round().astype(np.uint8) for picture in (grey, street, garden)}
    return {
        "grey_and_colour": (eight[grey], eight[street]),
        "two_colours": (eight[street], eight[garden]),
        "raw_thermal_and_colour": (raw_thermal(), eight[street]),
        "floats": (grey().astype(np.float32), street().astype(np.float32)),
    }


def fuse(method: str, sources: tuple[NDArray[Any], ...]) -> NDArray[Any]:
    """What is stored: the fused picture, floats as 16 bits."""
    fused = Fuser.load(method)(*sources)
    return from_unit(fused, np.uint16) if fused.dtype.kind == "f" else fused


if __name__ == "__main__":
    for method in METHODS:
        for case, sources in cases().items():
            write_image(FOLDER / f"{method}_{case}.png", fuse(method, sources))
