"""Colour round the network: luma out, chroma back in, the hue kept.

Luma and chroma are full-range BT.601. Adding one value to all three channels changes the luma by it and leaves chroma
alone, so that carrying the chroma of one source is `rgb + (fused - luma)`, and no colour transform is inverted.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.images.image import Pixels

WEIGHTS = np.array([[0.299, 0.587, 0.114]], np.float32)
EPSILON = 1e-6


def luma(pixels: Pixels) -> Pixels:
    """Luma of `(h, w, 3)` RGB in the type of the pixels, rounded for integers; grey `(h, w)` is returned as it is.

    Example:
        >>> luma(np.array([[[255, 0, 0]]], np.uint8))
        array([[76]], dtype=uint8)
    """
    if pixels.ndim == 2:
        return pixels
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)  # type: ignore[return-value]


def colourise(fused: NDArray[np.float32], colours: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Give a fused luma in [0, 1] the chroma of its colour sources: none, one, or several as one."""
    if not colours:
        return fused
    return carry_chroma(fused, colours[0]) if len(colours) == 1 else add_chroma(fused, merge_chroma(colours))


def carry_chroma(fused: NDArray[np.float32], colour: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give a fused luma the chroma of a colour image, both in [0, 1].

    Where the sum leaves [0, 1] the chroma is shortened until it fits: the luma and the hue stay.

    Args:
        fused: `(h, w)`.
        colour: `(h, w, 3)` RGB.
    """
    chroma = colour - cv2.transform(colour, WEIGHTS)[..., None]
    return add_chroma(np.clip(fused, 0, 1), chroma)


def carry_chroma_uint8(fused: NDArray[np.uint8], colour: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`carry_chroma` on 8 bits, plane by plane in OpenCV, several times faster: for cameras and video."""
    grey, planes = luma(colour), cv2.split(colour)
    highest, lowest = cv2.max(cv2.max(*planes[:2]), planes[2]), cv2.min(cv2.min(*planes[:2]), planes[2])
    room_up = cv2.divide(cv2.bitwise_not(fused), cv2.max(cv2.subtract(highest, grey), 1), dtype=cv2.CV_32F)
    room_down = cv2.divide(fused, cv2.max(cv2.subtract(grey, lowest), 1), dtype=cv2.CV_32F)
    scale = cv2.min(cv2.min(room_up, room_down), 1)
    chromas = (cv2.multiply(scale, cv2.subtract(plane, grey, dtype=cv2.CV_32F)) for plane in planes)
    return cv2.merge([cv2.add(chroma, fused, dtype=cv2.CV_8U) for chroma in chromas])  # type: ignore[return-value]


def add_chroma(fused: NDArray[np.float32], chroma: NDArray[np.float32]) -> NDArray[np.float32]:
    """Add chroma, `(h, w, 3)` differences to the luma, to a luma in [0, 1]; shortened where the sum leaves [0, 1]."""
    room_up = (1 - fused) / np.maximum(chroma.max(axis=2), EPSILON)
    room_down = fused / np.maximum(-chroma.min(axis=2), EPSILON)
    scale = np.minimum(np.minimum(room_up, room_down), 1)
    return np.clip(fused[..., None] + scale[..., None] * chroma, 0, 1)


def merge_chroma(colours: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Chroma of several colour sources as one: the mean weighted by each pixel's saturation.

    The usual rule for colour fusion, (Cb1 |Cb1| + Cb2 |Cb2|) / (|Cb1| + |Cb2|), with the length of the chroma vector
    as the weight of both its parts, so that the hue of the more saturated source wins without a shift.

    Args:
        colours: `(h, w, 3)` RGB in [0, 1] each.

    Returns:
        `(h, w, 3)` differences to the luma, for `add_chroma`.
    """
    total = np.zeros_like(colours[0])
    weights = np.zeros(colours[0].shape[:2], np.float32)
    for colour in colours:
        chroma = colour - cv2.transform(colour, WEIGHTS)[..., None]
        length = np.sqrt(np.einsum("hwc,hwc->hw", chroma, chroma)) + EPSILON
        total += chroma * length[..., None]
        weights += length
    return total / weights[..., None]
