"""The ground of a road: asphalt with lanes, kerbs, pavements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imfuse.scenes.arrays import Field, floats
from imfuse.scenes.camera import Camera
from imfuse.scenes.ground import Spot, find_spot, grass, lay, mix
from imfuse.scenes.labels import Label
from imfuse.scenes.surfaces import Surfaces
from imfuse.scenes.textures import smoothstep, stripe


@dataclass(frozen=True)
class Street:
    """A road along the view.

    Attributes:
        middle: X of its middle line at the camera.
        bend: X shifts by this times the square of Z.
        half: half of the width of the carriageway in metres.
        pavement: width of each pavement.
        crossing: Z of a zebra crossing, or None.
        verge: whether grass, not paving, lies beyond the pavement.
        wet: 0 for dry asphalt to 1 for standing water.
    """

    middle: float
    bend: float
    half: float
    pavement: float
    crossing: float | None
    verge: bool
    wet: float

    def x(self, across: float, z: float) -> float:
        """World X of a place `across` metres to the right of the middle line."""
        return self.middle + self.bend * z * z + across


def lay_street(surfaces: Surfaces, camera: Camera, street: Street, air: float) -> None:
    """Cover everything below the horizon with a street."""
    spot = find_spot(camera)
    if spot is None:
        return
    r = spot.x - street.middle - street.bend * spot.z**2
    fine, soft = spot.layer(2.3, "grain"), spot.layer(17.0)
    patches = spot.layer(5.0, "cloud", 0.37)
    albedo, heat = _asphalt(r, spot, street, patches, air)
    mark = _markings(r, spot, street) * np.clip(0.86 + 0.25 * patches, 0.2, 1)
    albedo = albedo * (1 - mark) + mark * np.float32(0.62)
    colour = albedo[..., None] * floats([0.98, 1.0, 1.02])
    gloss = np.clip(0.03 + street.wet * (0.30 + 0.25 * soft), 0, 0.65) * np.ones_like(r)
    walk = stripe(np.abs(r) - street.half - street.pavement / 2, street.pavement / 2, spot.wide)
    colour, heat = mix(colour, heat, *_paving(r, spot, fine, soft, air), walk)
    rim = stripe(np.abs(r) - street.half - 0.09, 0.09, spot.wide)
    kerb = floats([0.34, 0.34, 0.33]) * (1 + 0.1 * fine[..., None])
    colour, heat = mix(colour, heat, kerb, heat * 0 + air + 1.2, rim)
    gutter = stripe(np.abs(r) - street.half + 0.05, 0.07, spot.wide)
    colour = colour * (1 - 0.40 * gutter[..., None])
    outside = np.abs(r) > street.half + street.pavement
    if street.verge:
        colour, heat = mix(colour, heat, *grass(spot, 0.4, air), outside.astype(np.float32))
    labels = np.where(np.abs(r) < street.half, Label.ROAD, Label.PATH)
    labels = np.where(outside & street.verge, Label.GRASS, labels)
    gloss = np.where(np.abs(r) < street.half, gloss, 0.5 * gloss * (1 - outside))
    lay(surfaces, spot, colour=colour, heat=heat, gloss=gloss, labels=labels.astype(np.uint8))


def _asphalt(r: Field, spot: Spot, street: Street, patches: Field, air: float) -> tuple[Field, Field]:
    """Reflectance and warmth of the carriageway: worn and warmed where tyres roll, repaired in places."""
    fine, soft = spot.layer(2.3, "grain"), spot.layer(17.0)
    lane = np.abs(np.abs(r) - street.half / 2)
    track = np.exp(-(((lane - 0.75) / 0.28) ** 2))
    repaired = smoothstep(1.05, 1.12, patches)
    albedo = 0.085 * (1 + 0.15 * fine + 0.10 * soft - 0.14 * track) * (1 - 0.32 * repaired)
    crack = np.exp(-((patches / 0.035) ** 2)) * (soft > 0.5)
    albedo = albedo * (1 - 0.5 * crack) * (1 - 0.45 * street.wet)
    return albedo, air + 2.6 + 0.5 * soft + 1.3 * track + 0.5 * repaired + 0.12 * fine


def _markings(r: Field, spot: Spot, street: Street) -> Field:
    """Share of each pixel under white paint."""
    dash = smoothstep(0.0, 0.02, np.sin(spot.z * (2 * np.pi / 9.0)).astype(np.float32) - 0.25)
    dash = np.where(spot.long > 2.0, 0.35, dash)
    paint = stripe(r, 0.07, spot.wide) * dash
    paint = np.maximum(paint, stripe(np.abs(r) - street.half + 0.45, 0.06, spot.wide))
    if street.crossing is None:
        return paint
    on = stripe(spot.z - street.crossing, 1.6, spot.long)
    bars = stripe(np.mod(r + 0.5, 1.0) - 0.5, 0.25, spot.wide) * (np.abs(r) < street.half - 0.35)
    stop = stripe(spot.z - street.crossing + 3.0, 0.2, spot.long) * (r > 0) * (r < street.half - 0.4)
    clear = stripe(spot.z - street.crossing, 2.6, spot.long)
    return np.maximum(np.maximum(paint * (1 - clear), on * bars), stop)


def _paving(r: Field, spot: Spot, fine: Field, soft: Field, air: float) -> tuple[Field, Field]:
    """Concrete slabs with joints."""
    size = 0.6
    joint = stripe(np.mod(r, size) - size / 2, 0.012, spot.wide)
    joint = np.maximum(joint, stripe(np.mod(spot.z, size) - size / 2, 0.012, spot.long))
    slab = np.sin(np.floor(r / size) * 12.9898 + np.floor(spot.z / size) * 78.233) * 43758.5453
    shade = (slab - np.floor(slab) - 0.5).astype(np.float32) * np.clip(1.2 - spot.long / size, 0, 1)
    grey = 0.20 * (1 + 0.12 * fine + 0.10 * soft + 0.14 * shade) * (1 - 0.45 * joint)
    return grey[..., None] * floats([1.04, 1.0, 0.94]), air + 1.7 + 0.5 * soft + 0.25 * shade - 0.2 * joint
