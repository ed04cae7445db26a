"""Make the pictures of the README, from scenes and phantoms that are computed here; nothing is photographed.

    python docs/pictures.py                     # each with the bundled model of its name
    python docs/pictures.py --model laplacian   # all with another model, to try

Each shows the sources, their average and what imfuse makes of them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import phantom
from numpy.typing import NDArray

from imfuse import Fuser
from imfuse.images.files import write_image
from imfuse.images.sheet import average, contact_sheet, for_display
from imfuse.scenes import simulate

TILE = 292
QUALITY = 88
LARGEST = 200_000
Sources = dict[str, NDArray[np.uint8]]


def main() -> None:
    """Write `docs/images/<model>.jpg` for every task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="in place of the bundled model of each task")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent / "images")
    arguments = parser.parse_args()
    for name, make in SOURCES.items():
        sources = make()
        fused = Fuser.load(arguments.model or name)(*sources.values())
        path = arguments.folder / f"{name}.jpg"
        write_image(path, strip([*sources.values()], [*sources], fused), quality=QUALITY)
        size = path.stat().st_size
        print(f"{path}: {size // 1000} kB")
        if size > LARGEST:
            raise SystemExit(f"{path}: {size} bytes, more than the {LARGEST} that a page should carry")


def strip(sources: Sequence[NDArray[np.uint8]], names: Sequence[str], fused: NDArray) -> NDArray[np.uint8]:
    """Sources, average and fused picture side by side, labelled, about 1200 pixels wide."""
    shown = [for_display(source) for source in sources]
    pictures = [_tile(picture) for picture in (*shown, average(shown), for_display(fused))]
    return contact_sheet(pictures, [*names, "average", "fused"], columns=len(pictures))


def night_street() -> Sources:
    """A dark street with people, and a lamp that dazzles the visible camera."""
    scene = simulate(480, 640, seed=53, darkness=0.85, glare=0.4)
    return {"infrared": scene.infrared, "visible": scene.visible}


def near_and_far_focus() -> Sources:
    """A park seen twice by a wide aperture, focused on what is near and on what is far."""
    scene = simulate(480, 640, seed=11, kind="park", darkness=0.0, glare=0.0, noise=0.1)
    return {
        "near focus": defocus(scene.visible, scene.depth, 7),
        "far focus": defocus(scene.visible, scene.depth, 60),
    }


def under_and_over() -> Sources:
    """A street seen with too short and too long an exposure."""
    scene = simulate(480, 640, seed=5, darkness=0.2, glare=0.1, noise=0.1)
    return {"under-exposed": expose(scene.visible, -2.0), "over-exposed": expose(scene.visible, 2.0)}


def head_ct_mri() -> Sources:
    """A head in which CT shows the skull and MRI the brain."""
    return {"CT": phantom.ct(), "MRI": phantom.mri()}


def head_pet_mri() -> Sources:
    """A head in which PET shows in colours where sugar is used, and MRI the brain."""
    return {"PET": phantom.pet(), "MRI": phantom.mri()}


def expose(picture: NDArray[np.uint8], stops: float) -> NDArray[np.uint8]:
    """The picture as 2^stops times the light would have given it, clipped at white."""
    light = (picture / 255.0) ** 2.2 * 2.0**stops
    return np.rint(255 * np.clip(light, 0, 1) ** (1 / 2.2)).astype(np.uint8)


def defocus(picture: NDArray[np.uint8], depth: NDArray[np.float32], focus: float) -> NDArray[np.uint8]:
    """Blur by the circle of confusion of a lens focused at a distance.

    Args:
        picture: `(h, w, 3)`.
        depth: `(h, w)` in metres.
        focus: metres.
    """
    radius = np.minimum(APERTURE * np.abs(1 / depth - 1 / focus), BLURS[-1])
    levels = [picture.astype(np.float32), *(cv2.GaussianBlur(picture.astype(np.float32), (0, 0), s) for s in BLURS[1:])]
    place = np.interp(cv2.GaussianBlur(radius, (0, 0), 1.5), BLURS, range(len(BLURS)))
    below = np.minimum(place.astype(int), len(BLURS) - 2)
    part = (place - below)[..., None]
    stack, rows, columns = np.stack(levels), *np.indices(depth.shape)
    blurred = stack[below, rows, columns] * (1 - part) + stack[below + 1, rows, columns] * part
    return np.rint(blurred).astype(np.uint8)


APERTURE = 30.0
"""Pixels times metres."""

BLURS = (0.0, 0.7, 1.5, 3.0, 6.0)
"""Standard deviations in pixels between which `defocus` interpolates."""

SOURCES: dict[str, Callable[[], Sources]] = {
    "ivif": night_street,
    "ct-mri": head_ct_mri,
    "pet-mri": head_pet_mri,
    "focus": near_and_far_focus,
    "exposure": under_and_over,
}


def _tile(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height = round(picture.shape[0] * TILE / picture.shape[1])
    return np.asarray(cv2.resize(picture, (TILE, height), interpolation=cv2.INTER_AREA), np.uint8)


if __name__ == "__main__":
    main()
