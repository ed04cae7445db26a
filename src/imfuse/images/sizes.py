"""Sources of unequal size: say so, or bring them to one size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import SourceError
from imfuse.images.image import Image


def check_sizes(images: Sequence[Image], names: Sequence[str]) -> None:
    """Let equal sizes pass.

    Args:
        images: the sources.
        names: what the user calls them, in the same order.

    Raises:
        SourceError: the sizes differ; each is named, as well as the ways out.
    """
    if len({image.size for image in images}) <= 1:
        return
    sizes = ", ".join(f"{name} is {_size(image)}" for name, image in zip(names, images, strict=True))
    ways = "|".join(("larger", "smaller", *names))
    raise SourceError(
        f"the sources have unequal sizes (width x height): {sizes}. If they show the same scene in full, "
        f"scale them with `--resize {ways}`; if they are shifted or seen from elsewhere, use `--align`"
    )


def _size(image: Image) -> str:
    return f"{image.size[1]} x {image.size[0]}"


def match_sizes(images: Sequence[Image], to: Literal["larger", "smaller"] | int) -> tuple[Image, ...]:
    """Scale all sources to the size of one; pictures that have it are returned as they are.

    Averages areas where a side shrinks and interpolates by cubics where it grows; no value leaves the range that the
    source had. The shape is not kept: a square source is stretched if the wanted one is oblong.

    Args:
        images: the sources.
        to: the one with the most pixels, with the fewest (the first of equals), or the one of this position.

    Raises:
        SourceError: there is no such source.

    >>> small, large = (Image(np.zeros(size, np.uint8)) for size in ((2, 3), (4, 6)))
    >>> [image.size for image in match_sizes([small, large], "larger")]
    [(4, 6), (4, 6)]
    """
    size = _wanted(images, to)
    return tuple(image if image.size == size else _resized(image, size) for image in images)


def _wanted(images: Sequence[Image], to: Literal["larger", "smaller"] | int) -> tuple[int, int]:
    if to == "larger" and images:
        return max((image.size for image in images), key=np.prod)
    if to == "smaller" and images:
        return min((image.size for image in images), key=np.prod)
    if isinstance(to, int) and 0 <= to < len(images):
        return images[to].size
    raise SourceError(f"cannot resize to {to!r}: expected larger, smaller or a position in {len(images)} sources")


def stretch_remarks(
    sizes: Sequence[tuple[int, int]], to: Literal["larger", "smaller"] | int, names: Sequence[str]
) -> tuple[str, ...]:
    """What to say of sources whose shape `match_sizes` changes by more than a hundredth.

    Args:
        sizes: `(height, width)` of each source.
        to: as for `match_sizes`.
        names: what the user calls them, in the same order.

    >>> stretch_remarks([(480, 640), (512, 640), (960, 1280)], 0, ["A", "B", "C"])
    ('B stretched from 640 x 512 to 640 x 480: the shapes differ, see that both show the same scene in full',)
    """
    images = [Image(np.broadcast_to(np.uint8(0), size)) for size in sizes]
    height, width = _wanted(images, to)
    return tuple(
        f"{name} stretched from {_size(image)} to {width} x {height}: the shapes differ, see that both show the same "
        "scene in full"
        for name, image in zip(names, images, strict=True)
        if abs(image.size[1] * height / (image.size[0] * width) - 1) > 0.01
    )


def _resized(image: Image, size: tuple[int, int]) -> Image:
    alpha = None if image.alpha is None else resize_pixels(image.alpha, size)
    return replace(image, pixels=resize_pixels(image.pixels, size), alpha=alpha)


def resize_pixels(pixels: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Scale one array to `(height, width)`, by areas where it shrinks and by cubics where it grows.

    Values stay within the range of `pixels`, which cubics alone would overshoot at edges.
    """
    import cv2

    shrunk = min(pixels.shape[0], size[0]), min(pixels.shape[1], size[1])
    scaled = cv2.resize(pixels, shrunk[::-1], interpolation=cv2.INTER_AREA)
    if shrunk != size:
        scaled = cv2.resize(scaled, size[::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(scaled, pixels.min(), pixels.max())
