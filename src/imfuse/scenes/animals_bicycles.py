"""Bicycles with their riders, and dogs."""

from __future__ import annotations

import numpy as np

from imfuse.scenes.arrays import floats
from imfuse.scenes.labels import Label
from imfuse.scenes.objects import Material, Part, Thing
from imfuse.scenes.people import Pose, person
from imfuse.scenes.shapes import Outline, limb, ring, upright
from imfuse.scenes.textures import rgb

_FRAMES = ("8c1c1c", "1c3c6c", "c8c8c8", "202020")
_COATS = ("5a4028", "2a2420", "a08860")
_JOINTS = {
    "crank": (0.0, 0.28),
    "seat": (-0.18, 0.88),
    "head": (0.38, 0.85),
    "rear": (-0.5, 0.34),
    "front": (0.53, 0.34),
    "bar": (0.36, 1.0),
}
_TUBES = ("crank seat", "crank head", "seat head", "crank rear", "rear seat", "head front", "head bar")


def cyclist(rng: np.random.Generator, x: float, z: float, heading: float, air: float) -> tuple[Thing, Thing]:
    """A bicycle and its rider."""
    cos, sin = float(np.cos(heading)), float(np.sin(heading))
    rubber = Material((0.02, 0.02, 0.02), air + 1.5, 0.94)
    paint = Material(rgb(str(rng.choice(_FRAMES))), air + 0.5, 0.88, gloss=0.1, grain=0.03)
    at = {name: (ahead * sin, up) for name, (ahead, up) in _JOINTS.items()}
    wheels = [ring(at[w][0], 0.34, max(0.34 * abs(sin), 0.03), 0.34, 0.045) for w in ("rear", "front")]
    tubes = [limb(at[start], at[end], 0.022, 0.018) for start, end in map(str.split, _TUBES)]
    tubes.append(limb((at["bar"][0] - 0.28 * cos, 1.02), (at["bar"][0] + 0.28 * cos, 1.02), 0.018, 0.018))
    parts = (
        Part(tuple(upright(o, x, z) for o in wheels), rubber),
        Part(tuple(upright(o, x, z) for o in tubes), paint),
    )
    half = 0.25 + 0.7 * abs(sin)
    machine = Thing(Label.BICYCLE, parts, z + 0.02, (*parts[0].contours, *parts[1].contours), (x, z, half, 0.25))
    return machine, person(rng, x, z, heading, air, pose=_riding(heading, rng.uniform(0, 2 * np.pi)))


def _riding(heading: float, phase: float) -> Pose:
    """The pose on a bicycle: hips on the saddle, hands on the bar."""
    cos, sin = float(np.cos(heading)), float(np.sin(heading))
    joints: dict[str, tuple[float, float, float]] = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        pedal = (0.08 * np.cos(phase) * sign, 0.17 + 0.09 * np.sin(phase) * sign)
        chain = {"hip": (-0.07, 0.515, 0.05), "knee": (0.13, 0.42 + 0.06 * sign * np.sin(phase), 0.06)}
        chain |= {"foot": (pedal[0], pedal[1], 0.06), "toe": (pedal[0] + 0.07, pedal[1] - 0.01, 0.06)}
        chain |= {"shoulder": (0.0, 0.80, 0.112), "elbow": (0.10, 0.68, 0.14), "hand": (0.20, 0.60, 0.15)}
        for name, (ahead, up, out) in chain.items():
            lateral = sign * out
            joints[f"{side} {name}"] = (lateral * cos + ahead * sin, float(up), lateral * sin - ahead * cos)
    return Pose(joints, cos)


def dog(rng: np.random.Generator, x: float, z: float, air: float) -> Thing:
    """A dog seen from the side: warm head, cooler coat."""
    albedo = rgb(str(rng.choice(_COATS)))
    coat = Material(albedo, air + 10.0, 0.97, grain=0.3, grain_size=0.9, heat_grain=1.0)
    head = Material(albedo, air + 15.0, 0.97, grain=0.2, grain_size=0.9)
    swing = rng.uniform(-0.1, 0.1)
    steps = ((-0.27, swing), (-0.22, -swing), (0.2, swing), (0.26, -swing))
    legs: list[Outline] = [limb((hip, 0.36), (hip + step, 0.03), 0.055, 0.026) for hip, step in steps]
    body = [limb((-0.26, 0.44), (0.24, 0.46), 0.115, 0.14), limb((-0.34, 0.48), (-0.5, 0.66), 0.03, 0.015)]
    skull = [limb((0.3, 0.52), (0.42, 0.68), 0.085, 0.085), limb((0.44, 0.68), (0.58, 0.64), 0.06, 0.038)]
    skull.append(limb((0.37, 0.74), (0.34, 0.64), 0.03, 0.02))
    way = floats([1.0 if rng.random() < 0.5 else -1.0, 1.0])
    pieces = ((legs, coat), (body, coat), (skull, head))
    parts = tuple(Part(tuple(upright(o * way, x, z) for o in outlines), m, round=0.07) for outlines, m in pieces)
    return Thing(Label.ANIMAL, parts, z, tuple(c for p in parts for c in p.contours), (x, z, 0.4, 0.15))
