"""What stands about: street lamps, signs, cones and benches."""

from __future__ import annotations

import numpy as np

from imfuse.scenes.arrays import floats
from imfuse.scenes.labels import Label
from imfuse.scenes.objects import Colour, Light, Material, Part, Thing
from imfuse.scenes.shapes import box, ellipse, limb, smooth, upright
from imfuse.scenes.textures import rgb, scaled

_METAL: Colour = (0.09, 0.095, 0.10)


def street_lamp(
    x: float, z: float, *, reach: float, height: float, tint: Colour, power: float, air: float
) -> tuple[Thing, Light]:
    """A lamp on a mast whose arm reaches `reach` metres to the right, and its light; `power` 1 is bright."""
    steel = Material(_METAL, air + 0.8, 0.88, gloss=0.06, grain=0.05)
    head = Material((0.5, 0.5, 0.5), air + 16.0, 0.92, scaled(tint, 9.0), grain=0.0)
    bend = (0.12 * reach, height - 0.15)
    mast = [limb((0, 0), (0, 0.9), 0.11, 0.10), limb((0, 0), (0, height - 0.6), 0.075, 0.05)]
    mast += [limb((0, height - 0.6), bend, 0.05, 0.045), limb(bend, (reach, height + 0.05), 0.045, 0.04)]
    shade = limb((0.72 * reach, height + 0.05), (1.12 * reach, height + 0.08), 0.09, 0.08)
    glow = limb((0.80 * reach, height - 0.02), (1.06 * reach, height - 0.01), 0.075, 0.065)
    parts = (
        Part(tuple(upright(o, x, z) for o in mast), steel, round=0.06),
        Part((upright(shade, x, z),), steel, round=0.06),
        Part((upright(glow, x, z),), head),
    )
    light = Light((x + 0.93 * reach, height - 0.15, z), scaled(tint, 4.6 * power), (0.0, -1.0, 0.0), -0.05, casts=True)
    return Thing(Label.LAMP, parts, z, parts[0].contours, (x, z, 0.16, 0.14)), light


def park_lamp(x: float, z: float, tint: Colour, air: float) -> tuple[Thing, Light]:
    """A lantern with a round globe on a short mast, and its light."""
    height = 3.7
    steel = Material(_METAL, air + 0.8, 0.88, gloss=0.06, grain=0.05)
    globe = Material((0.6, 0.6, 0.6), air + 13.0, 0.92, scaled(tint, 6.5), grain=0.0)
    mast = [limb((0, 0), (0, 0.6), 0.10, 0.08), limb((0, 0), (0, height - 0.2), 0.05, 0.04)]
    mast += [box(-0.14, height - 0.26, 0.14, height - 0.18), smooth(box(-0.16, height + 0.17, 0.16, height + 0.25), 1)]
    parts = (
        Part(tuple(upright(o, x, z) for o in mast), steel, round=0.05),
        Part((upright(ellipse(0, height, 0.18, 0.2), x, z),), globe),
    )
    light = Light((x, height, z - 0.1), scaled(tint, 3.4), casts=True)
    return Thing(Label.LAMP, parts, z, parts[0].contours, (x, z, 0.14, 0.12)), light


def sign(rng: np.random.Generator, x: float, z: float, air: float) -> Thing:
    """A traffic sign: plain to see in the visible, as cold as the air in the infrared."""
    steel = Material(_METAL, air, 0.9, gloss=0.05)
    high = rng.uniform(2.2, 2.6)
    face, inner = (rgb("b01c1c"), rgb("e6e6e2")) if rng.random() < 0.5 else (rgb("e6e6e2"), rgb("1d4f9c"))
    shape = (
        ellipse(0, high, 0.31, 0.31)
        if rng.random() < 0.6
        else floats([[-0.36, high - 0.2], [0.36, high - 0.2], [0, high + 0.38]])
    )
    centre = shape.mean(0)
    outlines = [(shape, face), (centre + 0.72 * (shape - centre), inner)]
    parts = [Part((upright(box(-0.03, 0, 0.03, high), x, z),), steel)]
    parts += [
        Part((upright(o.astype(np.float32), x, z),), Material(c, air + 0.2, 0.93, grain=0.02)) for o, c in outlines
    ]
    return Thing(Label.SIGN, tuple(parts), z, tuple(p.contours[0] for p in parts[:2]), (x, z, 0.08, 0.08))


def cone(x: float, z: float, air: float) -> Thing:
    """A road cone: bright orange, no warmth."""
    orange = Material(rgb("d9541e"), air, 0.94, grain=0.05)
    white = Material((0.6, 0.6, 0.6), air, 0.94, grain=0.05)
    body = floats([[-0.17, 0.03], [0.17, 0.03], [0.035, 0.70], [-0.035, 0.70]])
    band = floats([[-0.118, 0.28], [0.118, 0.28], [0.082, 0.46], [-0.082, 0.46]])
    outlines = ((box(-0.23, 0, 0.23, 0.05), orange, 0.0), (body, orange, 0.1), (band, white, 0.08))
    parts = tuple(Part((upright(o, x, z),), m, round=r) for o, m, r in outlines)
    return Thing(Label.SIGN, parts, z, (parts[1].contours[0],), (x, z, 0.25, 0.2))


def bench(rng: np.random.Generator, x: float, z: float, air: float) -> Thing:
    """A wooden bench that faces the camera."""
    wood = Material(rgb(str(rng.choice(["6b4a2c", "5a4634", "7d6a50"]))), air + 0.4, 0.94, grain=0.3, grain_size=2.0)
    iron = Material((0.03, 0.03, 0.032), air - 0.3, 0.9)
    legs = [box(s * 0.72 - 0.03, 0, s * 0.72 + 0.03, 0.85) for s in (-1, 1)]
    slats = [box(-0.85, y, 0.85, y + 0.085) for y in (0.52, 0.64, 0.76)] + [box(-0.85, 0.40, 0.85, 0.455)]
    parts = [Part(tuple(upright(o, x, z) for o in legs), iron)]
    parts += [Part(tuple(upright(o, x, z) for o in slats), wood)]
    seat = floats([[x - 0.85, 0.44, z - 0.45], [x + 0.85, 0.44, z - 0.45], [x + 0.85, 0.44, z], [x - 0.85, 0.44, z]])
    parts.append(Part((seat,), wood, (0.0, 1.0, 0.0)))
    feet = [box(s * 0.72 - 0.03, 0, s * 0.72 + 0.03, 0.42) for s in (-1, 1)]
    parts.append(Part(tuple(upright(o, x, z - 0.45) for o in feet), iron))
    return Thing(Label.BENCH, tuple(parts), z, tuple(upright(o, x, z) for o in slats), (x, z - 0.2, 0.9, 0.35))
