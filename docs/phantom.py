"""A head that nobody has: one slice of it as CT, MRI and PET would show it, drawn from ellipses.

Only the contrasts are true to life: CT shows bone and little between the tissues, MRI shows the tissues and no bone,
PET shows where sugar is used and hardly any shape.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 384
Plane = NDArray[np.float32]

CT = {"scalp": 0.34, "bone": 0.98, "fluid": 0.26, "grey": 0.45, "white": 0.40, "lesion": 0.5, "calcification": 0.95}
MRI = {"scalp": 0.78, "bone": 0.06, "fluid": 0.12, "grey": 0.46, "white": 0.72, "lesion": 0.9, "calcification": 0.1}
PET = {"scalp": 0.1, "bone": 0.03, "fluid": 0.04, "grey": 0.66, "white": 0.28, "lesion": 1.0, "calcification": 0.1}


def ct() -> NDArray[np.uint8]:
    """`(h, w)`: bright bone, flat tissue."""
    return _bytes(_paint(CT, blur=0.9, noise=0.022, seed=1))


def mri() -> NDArray[np.uint8]:
    """`(h, w)`: grey and white matter, a bright lesion, dark bone, a field that fades to one side."""
    fade = np.linspace(1.05, 0.9, SIDE, dtype=np.float32)
    return _bytes(_paint(MRI, blur=0.7, noise=0.014, seed=2) * fade)


def pet() -> NDArray[np.uint8]:
    """`(h, w, 3)` RGB: uptake in false colours on black, as blurred as a PET camera is."""
    uptake = _paint(PET, blur=6.5, noise=0.0, seed=3)
    colours = cv2.cvtColor(cv2.applyColorMap(_bytes(uptake), cv2.COLORMAP_JET), cv2.COLOR_BGR2RGB)
    return _bytes(colours / 255 * np.clip(uptake * 5 - 0.5, 0, 1)[..., None])


def _paint(values: dict[str, float], *, blur: float, noise: float, seed: int) -> Plane:
    """Fill the tissues from the outside in, as the camera sees their edges and adds its noise."""
    picture = np.zeros((SIDE, SIDE), np.float32)
    for tissue, mask in _tissues():
        picture[mask] = values[tissue]
    picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), blur), np.float32)
    grain = np.random.default_rng(seed).normal(0, 1, picture.shape).astype(np.float32)
    grain = np.asarray(cv2.GaussianBlur(grain, (0, 0), 0.8), np.float32)
    return picture + np.float32(2 * noise) * grain * (picture > 0.01)


def _tissues() -> list[tuple[str, NDArray[np.bool_]]]:
    """Masks from the scalp to the smallest things, each inside those before it."""
    radius, angle = _polar(0, 0, 0.74, 0.92)
    folds = 0.05 * np.tanh(2 * np.sin(16 * angle + 2.2 * np.sin(3 * angle))) + 0.03 * np.sin(29 * angle + 1)
    x, y = _grid()
    fissure = (np.abs(x) < 0.012 + 0.008 * np.sin(9 * y)) & (radius < 0.76) & (np.abs(y) > 0.3)
    ventricles = [_polar(side * 0.11, -0.06, 0.065, 0.27, tilt=side * 0.28)[0] < 1 for side in (-1, 1)]
    nuclei = [_polar(side * 0.25, -0.02, 0.09, 0.19, tilt=side * -0.2)[0] < 1 for side in (-1, 1)]
    return [
        ("scalp", radius < 1),
        ("bone", radius < 0.94),
        ("fluid", radius < 0.83),
        ("grey", radius < 0.79 + 0.25 * np.minimum(folds, 0)),
        ("white", radius < 0.64 + folds),
        ("fluid", fissure),
        ("grey", nuclei[0] | nuclei[1]),
        ("fluid", ventricles[0] | ventricles[1]),
        ("lesion", _polar(0.3, 0.4, 0.11, 0.09)[0] < 1),
        ("calcification", (_polar(0, 0.25, 0.035, 0.045)[0] < 1) | (_polar(0.31, 0.41, 0.03, 0.02)[0] < 1)),
    ]


def _polar(x: float, y: float, width: float, height: float, tilt: float = 0.0) -> tuple[Plane, Plane]:
    """Radius, 1 on the border of an ellipse, and angle about its centre."""
    columns, rows = _grid()
    dx, dy = columns - x, rows - y
    along, across = dx * np.cos(tilt) + dy * np.sin(tilt), dy * np.cos(tilt) - dx * np.sin(tilt)
    return np.hypot(along / width, across / height), np.arctan2(across / height, along / width)


def _grid() -> tuple[Plane, Plane]:
    axis = np.linspace(-1.04, 1.04, SIDE, dtype=np.float32)
    columns, rows = np.meshgrid(axis, axis)
    return columns, rows


def _bytes(picture: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
