"""The ground in perspective: asphalt with lanes, pavement, grass, and paths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imfuse.scenes.arrays import Field, floats
from imfuse.scenes.camera import FAR, Camera
from imfuse.scenes.surfaces import Surfaces
from imfuse.scenes.textures import noise, rgb


@dataclass(frozen=True)
class Spot:
    """World coordinates of the ground in the rows below the horizon."""

    x: Field
    z: Field
    wide: Field
    long: Field
    first: int

    def layer(self, scale: float, roughness: str = "cloud", offset: float = 0.0) -> Field:
        """Noise of `scale` metres a tile; octaves finer than a pixel are left out."""
        texels = 512 * float(np.sqrt(np.median(self.wide) * np.median(self.long))) / scale
        field = noise(self.x / scale + offset, self.z / scale + offset, roughness, int(np.log2(max(texels, 1.0))))  # type: ignore[arg-type]
        return field * np.clip(1.3 - 40 * self.long / scale, 0.06, 1)


def find_spot(camera: Camera) -> Spot | None:
    """Where on the ground each pixel below the horizon looks; None where there is none."""
    depth = camera.ground_depth()
    below = np.nonzero(depth[:, 0] < FAR)[0]
    if not len(below):
        return None
    first = int(below[0])
    z = depth[first:]
    across, _ = camera.rays(camera.whole())
    wide = z / camera.focal
    long = np.minimum(z * z / (camera.focal * camera.altitude), z)
    return Spot(across * z, z, wide, long, first)


def grass(spot: Spot, dry: float, air: float) -> tuple[Field, Field]:
    """Tufts and blades: the blades are taller than wide in the picture, which flat noise cannot show."""
    fine, soft, broad = spot.layer(1.3, "grain"), spot.layer(7.0), spot.layer(31.0, "cloud", 0.6)
    rows = np.arange(spot.z.shape[0], dtype=np.float32)[:, None]
    blades = noise(spot.x / spot.z * 2.6, rows / 900 + 0 * spot.x, "grain") * np.clip(1.4 - spot.z / 16, 0, 1)
    shade = np.maximum(1 + 0.30 * fine + 0.22 * soft + 0.28 * blades, 0.2)[..., None]
    lush, straw = floats(rgb("4c5c28")), floats(rgb("8a7c48"))
    share = np.clip(dry + 0.22 * broad + 0.15 * soft, 0, 1)[..., None]
    return (lush + share * (straw - lush)) * shade, air + 0.3 + 0.45 * soft + 0.2 * fine + 0.3 * broad


def mix(colour: Field, heat: Field, other: Field, warmth: Field, share: Field) -> tuple[Field, Field]:
    """Colour and heat with a share of another colour and heat."""
    return colour + share[..., None] * (other - colour), heat + share * (warmth - heat)


def lay(surfaces: Surfaces, spot: Spot, *, colour: Field, heat: Field, gloss: Field, labels: NDArray[np.uint8]) -> None:
    """Write the ground into the surfaces."""
    rows = slice(spot.first, None)
    surfaces.albedo[rows] = np.maximum(colour, 0.004)
    surfaces.emission[rows] = 0
    surfaces.normal[rows] = (0.0, 1.0, 0.0)
    surfaces.temperature[rows] = heat
    surfaces.gloss[rows] = gloss
    surfaces.solid[rows] = 1
    surfaces.depth[rows] = spot.z
    surfaces.labels[rows] = labels
