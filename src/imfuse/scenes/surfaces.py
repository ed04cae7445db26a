"""What both cameras need to know of each pixel: colour, light, heat, direction, depth, class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imfuse.scenes.arrays import Field, floats
from imfuse.scenes.camera import FAR, Window
from imfuse.scenes.labels import Label
from imfuse.scenes.objects import Material

SHARES = 13
"""Numbers in each pixel's appearance, which blend at the edges of things."""


@dataclass(frozen=True, eq=False)
class Surfaces:
    """The visible surface in each pixel.

    Attributes:
        blend: `(h, w, 13)` float32 with albedo (0-2), emission (3-5), normal (6-8), temperature, emissivity, gloss,
            and solidity (0 where the sky shows); pixels at an edge hold the mean of both sides.
        depth: `(h, w)` metres along the view axis.
        labels: `(h, w)` class.
        instances: `(h, w)` instance id, 0 for none.
    """

    blend: Field
    depth: Field
    labels: NDArray[np.uint8]
    instances: NDArray[np.uint16]

    @property
    def albedo(self) -> Field:
        """Diffuse reflectance, `(h, w, 3)`."""
        return self.blend[..., 0:3]

    @property
    def emission(self) -> Field:
        """Visible light given off, `(h, w, 3)`."""
        return self.blend[..., 3:6]

    @property
    def normal(self) -> Field:
        """The way the surface faces, `(h, w, 3)`."""
        return self.blend[..., 6:9]

    @property
    def temperature(self) -> Field:
        """Degrees Celsius, `(h, w)`."""
        return self.blend[..., 9]

    @property
    def emissivity(self) -> Field:
        """Share of its heat that is radiated, `(h, w)`."""
        return self.blend[..., 10]

    @property
    def gloss(self) -> Field:
        """Share of the surroundings that is mirrored, `(h, w)`."""
        return self.blend[..., 11]

    @property
    def ground(self) -> NDArray[np.bool_]:
        """Where the ground is seen, `(h, w)`."""
        return (self.labels >= Label.ROAD) & (self.labels <= Label.GRASS)

    @property
    def solid(self) -> Field:
        """Share of the pixel that is not sky, `(h, w)`."""
        return self.blend[..., 12]


def empty_surfaces(height: int, width: int, air: float) -> Surfaces:
    """Nothing but sky; its colour and heat come from the renderers."""
    blend = np.zeros((height, width, SHARES), np.float32)
    blend[..., 9] = air
    blend[..., 10] = 0.95
    depth = np.full((height, width), FAR, np.float32)
    labels = np.full((height, width), Label.SKY, np.uint8)
    return Surfaces(blend, depth, labels, np.zeros((height, width), np.uint16))


def appearance(
    material: Material,
    normal: Field,
    fine: Field,
    slow: Field,
) -> Field:
    """A material's numbers for a window of pixels, `(h, w, 13)`.

    Args:
        material: what to show.
        normal: `(h, w, 3)` or anything that broadcasts to it.
        fine: `(h, w)` busy noise that varies the albedo and a little the temperature.
        slow: `(h, w)` soft noise that varies the emission and the temperature.
    """
    shares = np.empty((*fine.shape, SHARES), np.float32)
    vary = np.maximum(1 + material.grain * (0.7 * fine + 0.5 * slow), 0.15)[..., None]
    shares[..., 0:3] = floats(material.albedo) * vary
    shares[..., 3:6] = floats(material.emission) * np.maximum(1 + material.grain * slow, 0.15)[..., None]
    shares[..., 6:9] = normal
    shares[..., 9] = material.temperature + material.heat_grain * (slow + 0.35 * fine)
    shares[..., 10] = material.emissivity
    shares[..., 11] = material.gloss
    shares[..., 12] = 1
    return shares


def stamp(surfaces: Surfaces, window: Window, where: NDArray[np.bool_], label: int, instance: int) -> None:
    """Set the class and the instance of some pixels of a window."""
    surfaces.labels[window][where] = label
    surfaces.instances[window][where] = instance
