"""What a scene is made of: materials, flat parts, things made of parts, and lights."""

from __future__ import annotations

from dataclasses import dataclass

from imfuse.scenes.arrays import Field
from imfuse.scenes.labels import Label
from imfuse.scenes.textures import Colour

Points = Field
"""`(n, 3)` world points in metres."""

BLACK: Colour = (0.0, 0.0, 0.0)
TO_CAMERA: Colour = (0.0, 0.0, -1.0)


@dataclass(frozen=True)
class Material:
    """How a surface looks to both cameras.

    Attributes:
        albedo: diffuse reflectance in the visible.
        temperature: degrees Celsius.
        emissivity: share of its own heat that it radiates; the rest mirrors the sky.
        emission: light that it gives off by itself.
        gloss: share of the surroundings that it mirrors in the visible.
        grain: relative deviation of the albedo.
        grain_size: metres after which the texture repeats.
        heat_grain: deviation of the temperature in kelvin.
    """

    albedo: Colour
    temperature: float
    emissivity: float = 0.95
    emission: Colour = BLACK
    gloss: float = 0.0
    grain: float = 0.12
    grain_size: float = 3.0
    heat_grain: float = 0.25


@dataclass(frozen=True, eq=False)
class Part:
    """A flat piece of one material.

    Attributes:
        contours: outlines in world metres, all in one plane; they may overlap.
        material: what it is made of.
        normal: the way it faces, of length 1.
        round: metres over which its edges bend away; 0 is flat.
        ragged: how far leaves break its outline up; 0 is a clean outline, 1 is loose foliage.
    """

    contours: tuple[Points, ...]
    material: Material
    normal: Colour = TO_CAMERA
    round: float = 0.0
    ragged: float = 0.0


@dataclass(frozen=True, eq=False)
class Thing:
    """One object of the scene.

    Attributes:
        label: its class.
        parts: from the farthest to the nearest.
        depth: metres to its foot.
        shadow: outlines in world metres that block light.
        foot: centre X, centre Z, half width and half length of where it darkens the ground; None for none.
    """

    label: Label
    parts: tuple[Part, ...]
    depth: float
    shadow: tuple[Points, ...] = ()
    foot: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Light:
    """A small light source.

    Attributes:
        position: world metres.
        colour: radiant intensity; at one metre it gives this irradiance.
        aim: direction of the beam, of length 1; None shines into all directions.
        spread: cosine of the half angle at which the beam has faded.
        casts: whether things throw shadows in its light.
    """

    position: Colour
    colour: Colour
    aim: Colour | None = None
    spread: float = 0.0
    casts: bool = False
