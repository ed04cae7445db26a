"""Colour round the network: luma out, chroma back in, the hue kept.

Luma and chroma are full-range BT.601. Adding one value to all three channels changes the luma by it and leaves chroma
alone, so that carrying the chroma of one source is `rgb - luma + fused`, and no colour transform is inverted. All of it
is done plane by plane in OpenCV, on 8 bits or on floats, fast enough for video.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.images.image import Pixels

Chroma = list[NDArray[np.float32]]
"""Three planes `(h, w)`: red, green and blue less the luma, on the scale of the pixels."""

EPSILON = 1e-6
SAMPLE = 97


def luma(pixels: Pixels) -> Pixels:
    """Luma of `(h, w, 3)` RGB in the type of the pixels, rounded for integers; grey `(h, w)` is returned as it is.

    Example:
        >>> luma(np.array([[[255, 0, 0]]], np.uint8))
        array([[76]], dtype=uint8)
    """
    if pixels.ndim == 2:
        return pixels
    return cv2.cvtColor(_known_to_opencv(pixels), cv2.COLOR_RGB2GRAY)  # type: ignore[return-value]


def is_grey(pixels: Pixels) -> bool:
    """Whether a picture has one channel, or three that are equal everywhere, as grey cameras often store.

    Example:
        >>> is_grey(np.full((2, 2, 3), 7, np.uint8)), is_grey(np.eye(3, dtype=np.uint8)[None])
        (True, False)
    """
    if pixels.ndim == 2:
        return True
    few = pixels.reshape(-1, 3)[::SAMPLE]
    if (few[:, :1] != few[:, 1:]).any():
        return False
    red, green, blue = cv2.split(_known_to_opencv(pixels))
    return not (cv2.absdiff(red, green).any() or cv2.absdiff(red, blue).any())


def colourise(fused: Pixels, colours: Sequence[Pixels]) -> Pixels:
    """Give a fused luma the chroma of its colour sources: none, one, or several as one.

    Where the sum leaves the range the chroma is shortened until it fits: the luma and the hue stay.

    Args:
        fused: `(h, w)` luma, uint8 or float in [0, 1].
        colours: `(h, w, 3)` RGB on the same scale.

    Returns:
        `(h, w, 3)` of the type of `fused`, or `fused` itself without colours.
    """
    if not colours:
        return fused
    chromas = [chroma_of(colour) for colour in colours]
    return add_chroma(fused, chromas[0] if len(chromas) == 1 else merge_chroma(chromas))


def chroma_of(colour: Pixels) -> Chroma:
    """Chroma of `(h, w, 3)` RGB."""
    colour = _known_to_opencv(colour)
    grey = cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)
    return [cv2.subtract(plane, grey, dtype=cv2.CV_32F) for plane in cv2.split(colour)]  # type: ignore[misc]


def merge_chroma(chromas: Sequence[Chroma]) -> Chroma:
    """Chroma of several colour sources as one: the mean weighted by each pixel's saturation.

    The usual rule for colour fusion, (Cb1 |Cb1| + Cb2 |Cb2|) / (|Cb1| + |Cb2|), with the length of the chroma vector
    as the weight of both its parts, so that the hue of the more saturated source wins without a shift.
    """
    lengths = [np.sqrt(red * red + green * green + blue * blue) + EPSILON for red, green, blue in chromas]
    share = 1 / np.sum(lengths, axis=0)
    weights = [length * share for length in lengths]
    return [
        np.sum([plane * w for plane, w in zip(planes, weights, strict=True)], axis=0)
        for planes in zip(*chromas, strict=True)
    ]


def add_chroma(fused: Pixels, chroma: Chroma) -> Pixels:
    """Add chroma to a luma on the same scale, uint8 or float in [0, 1], shortened where the sum leaves the range."""
    eight = fused.dtype == np.uint8
    room = cv2.bitwise_not(fused) if eight else 1 - fused
    up = cv2.divide(room, np.maximum(cv2.max(cv2.max(*chroma[:2]), chroma[2]), EPSILON), dtype=cv2.CV_32F)
    down = cv2.divide(fused, np.maximum(-cv2.min(cv2.min(*chroma[:2]), chroma[2]), EPSILON), dtype=cv2.CV_32F)
    scale = np.minimum(cv2.min(up, down), 1)
    depth = cv2.CV_8U if eight else cv2.CV_32F
    result = cv2.merge([cv2.add(cv2.multiply(scale, plane), fused, dtype=depth) for plane in chroma])
    return result if eight else np.clip(result, 0, 1)  # type: ignore[return-value]


def _known_to_opencv(pixels: Pixels) -> Any:
    """OpenCV converts floats of 32 bits alone."""
    return pixels.astype(np.float32, copy=False) if pixels.dtype.kind == "f" else pixels
