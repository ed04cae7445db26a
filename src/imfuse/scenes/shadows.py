"""Shadows on the ground: the dark place under a thing, and what it blocks of a lamp or the sun."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.scenes.arrays import Field, floats
from imfuse.scenes.camera import Camera
from imfuse.scenes.objects import Points, Thing

_REACH = 16.0


def contact_shade(camera: Camera, things: Iterable[Thing]) -> Field:
    """Share of the open sky that reaches each pixel of the ground, `(h, w)`; it falls close to the feet of things."""
    shade = np.full((camera.height, camera.width), 255, np.uint8)
    angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    for thing in things:
        if thing.foot is None:
            continue
        x, z, wide, long = thing.foot
        for grow, tone in ((1.35, 225), (1.18, 180), (1.02, 120), (0.85, 70)):
            rim = [x + grow * wide * np.cos(angle), 0 * angle, z + grow * long * np.sin(angle)]
            _fill(shade, camera, np.stack(rim, 1).astype(np.float32), tone)
    return _soften(shade, camera)


def cast_shade(camera: Camera, things: Iterable[Thing], source: tuple[float, float, float], *, far: bool) -> Field:
    """Share of a light that reaches each pixel of the ground, `(h, w)`.

    Args:
        camera: the view.
        things: what may stand in the light.
        source: a place in metres, or the direction towards it when it is far.
        far: whether the rays are parallel, as the sun's.
    """
    shade = np.full((camera.height, camera.width), 255, np.uint8)
    for thing in things:
        if not far and np.hypot(thing.depth - source[2], _middle(thing) - source[0]) > _REACH:
            continue
        for contour in thing.shadow:
            fallen = _fall(contour, source, far)
            if fallen is not None:
                _fill(shade, camera, fallen, 40)
    return _soften(shade, camera)


def _middle(thing: Thing) -> float:
    return float(thing.shadow[0][:, 0].mean()) if thing.shadow else 1e6


def _fall(contour: Points, source: tuple[float, float, float], far: bool) -> Points | None:
    """The outline's shadow on the ground, or None where it would run to the horizon."""
    height = contour[:, 1:2]
    if far:
        way = floats(source)
        return contour - way * (height / max(source[1], 0.1))
    lamp = floats(source)
    room = lamp[1] - height
    if float(room.min()) < 0.3:
        return None
    return (contour + (contour - lamp) * (height / room)).astype(np.float32)


def _fill(shade: NDArray[np.uint8], camera: Camera, points: Points, tone: int) -> None:
    if float(points[:, 2].min()) < 0.5:
        return
    outline = np.rint(camera.project(points) * 16).astype(np.int32)
    cv2.fillPoly(shade, [outline], tone, lineType=cv2.LINE_AA, shift=4)


def _soften(shade: NDArray[np.uint8], camera: Camera) -> Field:
    return cv2.GaussianBlur(shade, (0, 0), max(camera.focal / 260, 0.3)).astype(np.float32) / np.float32(255)
