"""Trees, bushes and the far line of trees."""

from __future__ import annotations

import numpy as np

from imfuse.scenes.labels import Label
from imfuse.scenes.objects import Colour, Material, Part, Thing
from imfuse.scenes.shapes import Outline, ellipse, limb, upright
from imfuse.scenes.textures import rgb, scaled

_LEAVES = ["3a4a22", "4a5a2a", "2f4020", "55602c", "44522a", "5c5a2c"]
_BARK = ["4a3f34", "5a5046", "3a322a"]


def _foliage(rng: np.random.Generator, air: float, tint: Colour, shade: float, size: float) -> Material:
    heat = air + 0.6 + 1.2 * (shade - 0.9) + rng.normal(0, 0.3)
    return Material(scaled(tint, shade), heat, 0.97, grain=0.42, grain_size=size, heat_grain=0.5)


def tree(rng: np.random.Generator, x: float, z: float, height: float, air: float) -> Thing:
    """A broad-leaved tree: trunk, boughs, and a crown of many clusters, the near ones lighter."""
    bark = Material(rgb(str(rng.choice(_BARK))), air + 2.2, 0.95, grain=0.35, grain_size=1.4, heat_grain=0.5)
    tint = rgb(str(rng.choice(_LEAVES)))
    fork, wide = height * rng.uniform(0.26, 0.36), height * rng.uniform(0.24, 0.34)
    girth = 0.025 * height
    parts = [
        Part(
            (upright(limb((0, girth), (rng.normal(0, 0.1), fork * 1.25), girth, girth * 0.7), x, z),), bark, round=girth
        )
    ]
    boughs = [
        limb((0, fork), (rng.uniform(-0.7, 0.7) * wide, height * rng.uniform(0.5, 0.8)), girth * 0.6, 0.03)
        for _ in range(6)
    ]
    parts.append(Part(tuple(upright(bough, x, z) for bough in boughs), bark, round=girth * 0.5))
    for outline, shade in _clusters(rng, fork, height, wide):
        leaves = _foliage(rng, air, tint, shade, 2.6)
        parts.append(Part((upright(outline, x, z),), leaves, round=0.24 * wide, ragged=1.0))
    crown = upright(ellipse(0, 0.62 * height, wide, 0.36 * height), x, z)
    return Thing(Label.TREE, tuple(parts), z, (parts[0].contours[0], crown), (x, z, 0.35, 0.3))


def _clusters(rng: np.random.Generator, fork: float, height: float, wide: float) -> list[tuple[Outline, float]]:
    clusters = []
    count = 15
    for index in range(count):
        angle, reach = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform(0, 1))
        middle, half = (fork + height) / 2 + 0.05 * height, (height - fork) / 2 * 0.80
        across, up = reach * wide * 0.85 * np.cos(angle), middle + reach * half * np.sin(angle)
        size = wide * rng.uniform(0.28, 0.46)
        shade = 0.62 + 0.45 * index / count + 0.2 * (up - middle) / half
        clusters.append((ellipse(across, up, size * 1.15, size * 0.85), float(shade)))
    return clusters


def bush(rng: np.random.Generator, x: float, z: float, *, wide: float, tall: float, air: float) -> Thing:
    """A bush or a piece of a hedge."""
    tint = rgb(str(rng.choice(_LEAVES)))
    parts = []
    for index in range(5):
        size = rng.uniform(0.35, 0.5)
        outline = ellipse(rng.uniform(-0.6, 0.6) * wide, tall * rng.uniform(0.3, 0.62), size * wide, size * tall)
        leaves = _foliage(rng, air, tint, 0.65 + 0.1 * index, 1.6)
        parts.append(Part((upright(outline, x, z),), leaves, round=0.3 * tall, ragged=0.8))
    return Thing(Label.TREE, tuple(parts), z, foot=(x, z, 0.8 * wide, 0.4 * wide))


def treeline(rng: np.random.Generator, z: float, half: float, tall: float, air: float) -> Thing:
    """The far edge of a wood, from `-half` to `half` metres across."""
    tint = rgb(str(rng.choice(_LEAVES)))
    parts = []
    for across in np.arange(-half, half, 0.55 * tall):
        size = tall * rng.uniform(0.35, 0.62)
        outline = ellipse(across + rng.normal(0, 0.1) * tall, 0.55 * size, 0.62 * size, 1.05 * size)
        leaves = _foliage(rng, air, tint, rng.uniform(0.55, 0.85), 6.0)
        parts.append(Part((upright(outline, 0, z),), leaves, round=0.3 * size, ragged=0.9))
    return Thing(Label.TREE, tuple(parts), z)
