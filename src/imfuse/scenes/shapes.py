"""Outlines in a plane: circles, limbs, rings, smoothed polygons, and their way into the world."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from imfuse.scenes.arrays import Field
from imfuse.scenes.objects import Points

Outline = Field
"""`(n, 2)` points in metres: across, up."""


def ellipse(x: float, y: float, across: float, up: float, count: int = 20) -> Outline:
    """An ellipse of the given half axes."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([x + across * np.cos(angle), y + up * np.sin(angle)], 1).astype(np.float32)


def limb(start: Sequence[float], end: Sequence[float], thick: float, thin: float, count: int = 7) -> Outline:
    """A limb with round ends that tapers from radius `thick` at its start to `thin` at its end."""
    turn = np.arctan2(end[1] - start[1], end[0] - start[0])
    back = turn + np.linspace(np.pi / 2, 3 * np.pi / 2, count)
    front = turn + np.linspace(-np.pi / 2, np.pi / 2, count)
    tail = np.stack([start[0] + thick * np.cos(back), start[1] + thick * np.sin(back)], 1)
    head = np.stack([end[0] + thin * np.cos(front), end[1] + thin * np.sin(front)], 1)
    return np.concatenate([tail, head]).astype(np.float32)


def ring(x: float, y: float, across: float, up: float, width: float) -> Outline:
    """An elliptic ring as one outline that goes round outside and back inside."""
    outer = ellipse(x, y, across, up, 28)
    inner = ellipse(x, y, max(across - width, 0.3 * across), up - width, 28)
    return np.concatenate([outer, outer[:1], inner[:1], inner[::-1]])


def box(left: float, bottom: float, right: float, top: float) -> Outline:
    """A rectangle."""
    return np.array([[left, bottom], [right, bottom], [right, top], [left, top]], np.float32)


def smooth(points: ArrayLike, rounds: int = 2, closed: bool = True) -> Outline:
    """Corners cut again and again (Chaikin), so that a coarse polygon becomes a soft outline."""
    outline = np.asarray(points, np.float32)
    for _ in range(rounds):
        following = np.roll(outline, -1, 0) if closed else outline[1:]
        here = outline if closed else outline[:-1]
        cut = np.stack([0.75 * here + 0.25 * following, 0.25 * here + 0.75 * following], 1).reshape(-1, 2)
        outline = cut if closed else np.concatenate([outline[:1], cut, outline[-1:]])
    return outline


def upright(outline: Outline, x: float, z: float, y: float = 0.0) -> Points:
    """The outline in a plane that faces the camera, with its origin at the given world point."""
    depth = np.full(len(outline), z, np.float32)
    return np.stack([outline[:, 0] + np.float32(x), outline[:, 1] + np.float32(y), depth], 1)


def on_wall(outline: Outline, start: Sequence[float], direction: Sequence[float]) -> Points:
    """The outline on a vertical wall that runs from `start` (X, Z) along the unit `direction` (X, Z)."""
    along = outline[:, 0]
    x, z = start[0] + along * direction[0], start[1] + along * direction[1]
    return np.stack([x, outline[:, 1], z], 1).astype(np.float32)
