"""Streaks of lamps and headlights on wet asphalt."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from imfuse.scenes.arrays import Field, floats
from imfuse.scenes.camera import Camera
from imfuse.scenes.labels import Label
from imfuse.scenes.objects import Light
from imfuse.scenes.surfaces import Surfaces
from imfuse.scenes.textures import noise

_FARTHEST = 90.0


def wet_reflections(lights: Iterable[Light], surfaces: Surfaces, camera: Camera, wet: float) -> Field:
    """Light `(h, w, 3)` that the road mirrors of each lamp: a streak, long because the water is rough.

    Args:
        lights: lamps and headlights.
        surfaces: what is seen; only the road mirrors.
        camera: the view.
        wet: 0 for dry to 1 for standing water.
    """
    total = np.zeros((*surfaces.depth.shape, 3), np.float32)
    rows = np.arange(camera.height, dtype=np.float32)[:, None]
    columns = np.arange(camera.width, dtype=np.float32)[None, :]
    ripple = 1 + 0.5 * noise(columns / camera.focal * 3, rows / camera.focal * 9, "grain", 1)
    for light in lights:
        x, y, z = light.position
        if z > _FARTHEST or (light.aim is not None and light.aim[2] > 0.5 and z < 1):
            continue
        column, row = camera.project(floats([[x, -y, z]]))[0]
        across = max(0.16 * camera.focal / z, 0.7)
        along = 0.07 * camera.focal * (0.35 + 4 / z) + across
        # towards the foot of the lamp the water is seen at a flatter angle, so the streak is longer that way
        away = np.where(rows < row, 0.45, 1.0) * (rows - row) / along
        streak = np.exp(-(((columns - column) / across) ** 2)) * np.exp(-(away**2))
        total += streak[..., None] * floats(light.colour)
    road = (surfaces.labels == Label.ROAD) * np.maximum(ripple, 0.1)
    return total * (np.float32(0.05 * wet) * road)[..., None]
