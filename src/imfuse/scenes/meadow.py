"""The ground of a park: grass and a winding path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imfuse.scenes.arrays import Field, floats
from imfuse.scenes.camera import Camera
from imfuse.scenes.ground import find_spot, grass, lay, mix
from imfuse.scenes.labels import Label
from imfuse.scenes.surfaces import Surfaces
from imfuse.scenes.textures import rgb, stripe


@dataclass(frozen=True)
class Meadow:
    """Grass with a winding path.

    Attributes:
        start: X of the path's middle at the camera.
        slope: drift of the path to the right for each metre ahead.
        swing: metres by which the path winds.
        turn: metres ahead for one radian of its winding.
        half: half of the path's width.
        paved: whether it is asphalt, not gravel.
        dry: 0 for lush grass to 1 for straw.
    """

    start: float
    slope: float
    swing: float
    turn: float
    half: float
    paved: bool
    dry: float

    def x(self, across: float, z: float | Field) -> float:
        """World X of a place `across` metres to the right of the path's middle."""
        winding = self.swing * (np.sin(z / self.turn) - z / (3 * self.turn))
        return self.start + self.slope * z + winding + across  # type: ignore[return-value]


def lay_meadow(surfaces: Surfaces, camera: Camera, meadow: Meadow, air: float) -> None:
    """Cover everything below the horizon with grass and a path."""
    spot = find_spot(camera)
    if spot is None:
        return
    fine, soft = spot.layer(2.0, "grain"), spot.layer(14.0)
    edge = np.abs(spot.x - meadow.x(0.0, spot.z)) + 0.10 * spot.layer(1.8, "grain", 0.2)
    colour, heat = grass(spot, meadow.dry, air)
    tone = floats([0.10, 0.10, 0.10]) if meadow.paved else floats(rgb("8f8068"))
    gravel = tone * (1 + 0.20 * fine + 0.12 * soft)[..., None]
    on = stripe(edge, meadow.half, np.maximum(spot.wide, 0.05))
    colour, heat = mix(colour, heat, gravel, air + 3.0 + 0.5 * soft + 0.2 * fine, on)
    border = stripe(edge - meadow.half, 0.10, np.maximum(spot.wide, 0.05))
    colour = colour * (1 - 0.35 * border[..., None])
    labels = np.where(on > 0.5, Label.PATH, Label.GRASS).astype(np.uint8)
    lay(surfaces, spot, colour=colour, heat=heat, gloss=0.02 * np.ones_like(heat), labels=labels)
