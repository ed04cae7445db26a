"""People: a jointed figure with clothes, warm at the face and the hands, seen from any side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imfuse.scenes.labels import Label
from imfuse.scenes.objects import Material, Part, Thing
from imfuse.scenes.shapes import Outline, ellipse, limb, smooth, upright
from imfuse.scenes.textures import rgb

_TOPS = [
    "2b2f3a",
    "3c3f45",
    "5b2a2a",
    "1d2b44",
    "6d6a60",
    "23352b",
    "8a8577",
    "a33b2e",
    "2f5d7c",
    "b8b2a4",
    "16181c",
    "7a5a3a",
]
_TROUSERS = ["1e2230", "2a3550", "191a1d", "3d3a36", "55503f", "2c2c30"]
_SKINS = ["c99a7c", "e0b596", "8d5f45", "6a4530", "d8a685"]
_HAIR = ["17120e", "2b1d14", "4a3423", "0f0f10", "6b6259"]


@dataclass(frozen=True)
class Pose:
    """Where the joints are, in shares of the stature: across the view and up, with the depth to sort by.

    Attributes:
        joints: name to (across, up, depth).
        front: cosine of the heading: 1 walks towards the camera, -1 away from it.
    """

    joints: dict[str, tuple[float, float, float]]
    front: float

    def at(self, name: str) -> tuple[float, float]:
        """Across and up of a joint."""
        return self.joints[name][0], self.joints[name][1]


def walking(heading: float, phase: float, stride: float) -> Pose:
    """The pose of somebody who walks; heading 0 comes towards the camera, pi/2 goes to the right."""
    joints: dict[str, tuple[float, float, float]] = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        swing = sign * stride * np.sin(phase)
        lift = 0.55 * stride * max(0.0, sign * np.cos(phase))
        knee = (sign * 0.048, 0.515 - 0.245 * np.cos(swing), 0.245 * np.sin(swing))
        shin = swing - 0.9 * lift - 0.08
        foot = (sign * 0.05, knee[1] - 0.235 * np.cos(shin), knee[2] + 0.235 * np.sin(shin))
        arm = -0.85 * swing
        elbow = (sign * 0.135, 0.80 - 0.165 * np.cos(arm), 0.165 * np.sin(arm))
        fore = arm + 0.35
        hand = (sign * 0.138, elbow[1] - 0.14 * np.cos(fore), elbow[2] + 0.14 * np.sin(fore))
        chain = {"hip": (sign * 0.045, 0.515, 0.0), "knee": knee, "foot": foot}
        chain |= {"toe": (foot[0] * 1.25, foot[1] - 0.012, foot[2] + 0.075)}
        chain |= {"shoulder": (sign * 0.112, 0.80, 0.0), "elbow": elbow, "hand": hand}
        for name, joint in chain.items():
            joints[f"{side} {name}"] = _turn(joint, heading)
    return Pose(joints, float(np.cos(heading)))


def _turn(joint: tuple[float, float, float], heading: float) -> tuple[float, float, float]:
    side, up, ahead = joint
    cos, sin = np.cos(heading), np.sin(heading)
    return float(side * cos + ahead * sin), float(up), float(side * sin - ahead * cos)


@dataclass(frozen=True)
class Clothes:
    """What a person wears and how warm each piece is."""

    top: Material
    trousers: Material
    shoes: Material
    skin: Material
    hands: Material
    hair: Material
    bag: Material
    hem: float
    hood: bool
    carries: bool


def dress(rng: np.random.Generator, air: float) -> Clothes:
    """Clothes that let through a part of the body's warmth above the air."""

    def cloth(codes: list[str], share: float, grain: float = 0.14) -> Material:
        heat = air + share * (33.5 - air) + rng.normal(0, 0.5)
        return Material(rgb(str(rng.choice(codes))), heat, 0.96, grain=grain, grain_size=1.1, heat_grain=0.9)

    return Clothes(
        top=cloth(_TOPS, rng.uniform(0.52, 0.72)),
        trousers=cloth(_TROUSERS, rng.uniform(0.50, 0.66)),
        shoes=cloth(["151515", "3a2f28", "8a8a8a"], 0.32, 0.05),
        skin=Material(rgb(str(rng.choice(_SKINS))), 33.6, 0.98, grain=0.05, heat_grain=0.5),
        hands=Material(rgb(str(rng.choice(_SKINS))), 30.5, 0.98, grain=0.05, heat_grain=0.5),
        hair=cloth(_HAIR, 0.68, 0.2),
        bag=cloth(["1b1b1e", "38414f", "5a2f28"], 0.22),
        hem=float(rng.choice([0.47, 0.45, 0.36], p=[0.5, 0.25, 0.25])),
        hood=bool(rng.random() < 0.2),
        carries=bool(rng.random() < 0.4),
    )


def person(
    rng: np.random.Generator, x: float, z: float, heading: float, air: float, *, pose: Pose | None = None
) -> Thing:
    """Somebody who stands or walks at ground point (x, z)."""
    stature = float(rng.normal(1.71, 0.07))
    pose = pose or walking(heading, rng.uniform(0, 2 * np.pi), rng.uniform(0.25, 0.48))
    pieces = _figure(pose, dress(rng, air))
    parts = tuple(
        Part(tuple(upright(outline * stature, x, z) for outline in outlines), material, round=bend)
        for outlines, material, bend in pieces
    )
    solid = tuple(contour for part in parts for contour in part.contours)
    return Thing(Label.PERSON, parts, z, solid, (x, z, 0.3, 0.22))


_Piece = tuple[list[Outline], Material, float]


def _figure(pose: Pose, clothes: Clothes) -> list[_Piece]:
    """Outlines in shares of the stature, in the order of painting."""
    sides = sorted(("left", "right"), key=lambda side: -pose.joints[f"{side} shoulder"][2])
    legs = sorted(("left", "right"), key=lambda side: -pose.joints[f"{side} knee"][2])
    pieces = _arm(pose, sides[0], clothes)
    pieces += [piece for side in legs for piece in _leg(pose, side, clothes)]
    bag = [([smooth(_bag(pose))], clothes.bag, 0.05)] if clothes.carries else []
    behind = pose.front > -0.3
    pieces += (bag if behind else []) + _trunk(pose, clothes) + ([] if behind else bag)
    pieces += _head(pose, clothes)
    return pieces + _arm(pose, sides[1], clothes)


def _leg(pose: Pose, side: str, clothes: Clothes) -> list[_Piece]:
    hip, knee, foot, toe = (pose.at(f"{side} {name}") for name in ("hip", "knee", "foot", "toe"))
    leg = [limb(hip, knee, 0.056, 0.037), limb(knee, foot, 0.037, 0.026)]
    heel = (foot[0], foot[1] - 0.004)
    return [([limb(heel, toe, 0.026, 0.016)], clothes.shoes, 0.03), (leg, clothes.trousers, 0.07)]


def _arm(pose: Pose, side: str, clothes: Clothes) -> list[_Piece]:
    shoulder, elbow, hand = (pose.at(f"{side} {name}") for name in ("shoulder", "elbow", "hand"))
    sleeve = [limb(shoulder, elbow, 0.037, 0.029), limb(elbow, hand, 0.029, 0.022)]
    return [([ellipse(*hand, 0.021, 0.027)], clothes.hands, 0.02), (sleeve, clothes.top, 0.05)]


def _trunk(pose: Pose, clothes: Clothes) -> list[_Piece]:
    wide = 0.62 + 0.38 * abs(pose.front)
    half = [(clothes.hem, 0.112), (0.56, 0.098), (0.64, 0.094), (0.73, 0.112), (0.79, 0.128), (0.822, 0.120)]
    half += [(0.848, 0.070), (0.872, 0.036)]
    right = [(width * wide, up) for up, width in half]
    neck = limb((0, 0.84), (0.012 * (1 - abs(pose.front)), 0.89), 0.034, 0.032)
    outline = smooth(right + [(-x, up) for x, up in reversed(right)])
    return [([neck], clothes.skin, 0.03), ([outline], clothes.top, 0.11)]


def _head(pose: Pose, clothes: Clothes) -> list[_Piece]:
    aside = 1 - abs(pose.front)
    lean = 0.018 * aside * (1 if pose.joints["left toe"][0] > pose.joints["left foot"][0] else -1)
    face = ellipse(lean, 0.932, 0.046 + 0.008 * aside, 0.066)
    cap = ellipse(-0.35 * lean, 0.957, 0.050 + 0.008 * aside, 0.047)
    back = ellipse(-0.5 * lean, 0.940, 0.049 + 0.006 * aside, 0.064)
    cover = clothes.top if clothes.hood else clothes.hair
    if pose.front < -0.35:
        return [([face], clothes.skin, 0.05), ([back], cover, 0.05)]
    return [([back], cover, 0.05), ([face], clothes.skin, 0.06), ([cap], cover, 0.04)]


def _bag(pose: Pose) -> list[tuple[float, float]]:
    across = 0.09 * abs(pose.front) + 0.045
    shift = -0.09 * (1 - abs(pose.front)) * (1 if pose.joints["left toe"][0] > pose.joints["left foot"][0] else -1)
    return [(shift - across, 0.60), (shift + across, 0.60), (shift + across, 0.80), (shift - across, 0.80)]
