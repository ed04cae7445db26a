"""Buildings: walls with rows of windows, some of them lit and warm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imfuse.scenes.labels import Label
from imfuse.scenes.objects import Colour, Material, Part, Thing
from imfuse.scenes.shapes import Outline, box, on_wall
from imfuse.scenes.textures import mixed, rgb, scaled

_WALLS = ["8a7f72", "6e5a4c", "9a968c", "7a4436", "5f6468", "a89c84", "8c8f92", "6b4a3c", "4f5357"]
_BOARDS = ["a03428", "2a6a8c", "3c7a44", "b08a2c", "c8c4b8", "5a3c78"]
_WARM: Colour = (0.085, 0.055, 0.026)
_COOL: Colour = (0.060, 0.075, 0.070)


@dataclass(frozen=True)
class Wall:
    """A vertical rectangle that stands on the ground.

    Attributes:
        start: X and Z of its nearer end.
        direction: unit X and Z along its foot.
        length: metres along its foot.
        height: metres up.
        normal: the way it faces.
    """

    start: tuple[float, float]
    direction: tuple[float, float]
    length: float
    height: float
    normal: Colour

    def part(self, outlines: list[Outline], material: Material) -> Part:
        """A part that lies on this wall; the outlines are metres along it and up."""
        return Part(tuple(on_wall(o, self.start, self.direction) for o in outlines), material, self.normal)


@dataclass(frozen=True)
class _Style:
    wall: Material
    trim: Material
    base: Material
    panes: tuple[Material, ...]
    odds: tuple[float, ...]
    storey: float
    bay: float
    window: tuple[float, float]


def _style(rng: np.random.Generator, air: float) -> _Style:
    tint = rgb(str(rng.choice(_WALLS)))
    heat = air + rng.uniform(-0.5, 3.0)
    lit = rng.uniform(0.12, 0.42)
    panes = (
        Material((0.025, 0.030, 0.034), air - 0.5, 0.84, gloss=0.30, grain=0.1, grain_size=8, heat_grain=0.6),
        Material((0.06, 0.05, 0.04), air + 6.5, 0.86, _WARM, 0.16, 0.16, 2.2, 0.9),
        Material((0.05, 0.055, 0.055), air + 5.5, 0.86, _COOL, 0.16, 0.16, 2.2, 0.9),
        Material((0.05, 0.04, 0.03), air + 5.0, 0.86, (0.028, 0.015, 0.006), 0.16, 0.16, 2.0, 0.8),
    )
    return _Style(
        wall=Material(tint, heat, 0.94, grain=0.14, grain_size=6, heat_grain=0.45),
        trim=Material(mixed(tint, (0.75, 0.75, 0.72), 0.22), heat - 0.8, 0.93, grain=0.08, grain_size=6),
        base=Material(scaled(tint, 0.55), heat + 0.6, 0.94, grain=0.18, grain_size=4),
        panes=panes,
        odds=(1 - lit, 0.45 * lit, 0.33 * lit, 0.22 * lit),
        storey=rng.uniform(2.9, 3.5),
        bay=rng.uniform(1.9, 3.4),
        window=(rng.uniform(0.9, 1.6), rng.uniform(1.2, 1.8)),
    )


def building(
    rng: np.random.Generator,
    near: tuple[float, float],
    far: tuple[float, float],
    height: float,
    air: float,
) -> Thing:
    """A block whose street front runs from `near` to `far` (X, Z) and whose end wall faces the camera."""
    style = _style(rng, air)
    side = 1.0 if near[0] > 0 else -1.0
    length = float(np.hypot(far[0] - near[0], far[1] - near[1]))
    along = ((far[0] - near[0]) / length, (far[1] - near[1]) / length)
    front = Wall(near, along, length, height, (-side * along[1], 0.0, side * along[0]))
    end = Wall(near, (side, 0.0), 14.0, height, (0.0, 0.0, -1.0))
    parts = _face(rng, end, style, shop=False) + _face(rng, front, style, shop=bool(rng.random() < 0.55))
    return Thing(Label.BUILDING, tuple(parts), near[1])


def _face(rng: np.random.Generator, wall: Wall, style: _Style, *, shop: bool) -> list[Part]:
    """One wall from its plaster to the bars of its windows."""
    length, height = wall.length, wall.height
    parts = [wall.part([box(0, 0, length, height)], style.wall)]
    parts.append(wall.part([box(0, 0, length, 0.7)], style.base))
    parts.append(wall.part([box(-0.1, height - 0.45, length + 0.1, height + 0.1)], style.trim))
    windows = _windows(wall, style, first=1 if shop else 0)
    if shop:
        parts += _shop(rng, wall, style.panes[0].temperature + 0.5)
    if not windows:
        return parts
    grown = [box(w[0, 0] - 0.10, w[0, 1] - 0.16, w[1, 0] + 0.10, w[2, 1] + 0.10) for w in windows]
    parts.append(wall.part(grown, style.trim))
    kinds = rng.choice(len(style.panes), len(windows), p=style.odds)
    for kind, pane in enumerate(style.panes):
        chosen = [w for w, k in zip(windows, kinds, strict=True) if k == kind]
        if chosen:
            parts.append(wall.part(chosen, pane))
    parts.append(wall.part([bar for w in windows for bar in _bars(w)], style.trim))
    return parts + _curtains(rng, wall, windows, style.wall.temperature + 1.5)


def _windows(wall: Wall, style: _Style, first: int) -> list[Outline]:
    wide, tall = style.window
    columns = int((wall.length - 0.8) / style.bay)
    start = (wall.length - columns * style.bay) / 2 + (style.bay - wide) / 2
    floors = range(first, int((wall.height - 0.8) / style.storey))
    lows = [floor * style.storey + 1.0 for floor in floors]
    places = [(start + column * style.bay, low) for low in lows for column in range(columns)]
    return [box(x, low, x + wide, low + tall) for x, low in places]


def _curtains(rng: np.random.Generator, wall: Wall, windows: list[Outline], heat: float) -> list[Part]:
    """Blinds from above and curtains at one side, in some windows."""
    boxes = []
    for window in windows:
        (left, low), (right, high) = window[0], window[2]
        if rng.random() < 0.35:
            boxes.append(box(left, high - rng.uniform(0.2, 0.8), right, high))
        elif rng.random() < 0.4:
            share = rng.uniform(0.15, 0.45) * (right - left)
            boxes += [box(left, low, left + share, high), box(right - 0.6 * share, low, right, high)]
    cloth = Material((0.26, 0.24, 0.20), heat, 0.9, (0.014, 0.010, 0.006), grain=0.2, grain_size=1.5)
    return [wall.part(boxes, cloth)] if boxes else []


def _bars(window: Outline) -> list[Outline]:
    (left, low), (right, high) = window[0], window[2]
    middle, split = (left + right) / 2, low + 0.62 * (high - low)
    return [box(middle - 0.025, low, middle + 0.025, high), box(left, split - 0.025, right, split + 0.025)]


def _shop(rng: np.random.Generator, wall: Wall, air: float) -> list[Part]:
    """A ground floor of wide bright panes with a sign above them; the sign has no warmth of its own."""
    warm = bool(rng.random() < 0.6)
    tint = _WARM if warm else _COOL
    inside = Material((0.07, 0.07, 0.07), air + 7.0, 0.85, scaled(tint, 1.25), 0.14, 0.16, 1.6, 0.9)
    hue = rgb(str(rng.choice(_BOARDS)))
    board = Material(hue, air + 0.8, 0.9, scaled(hue, 0.07), grain=0.25, grain_size=0.9)
    bay = rng.uniform(2.6, 4.2)
    count = max(int((wall.length - 0.6) / bay), 1)
    panes = [box(0.3 + i * bay, 0.5, 0.1 + (i + 1) * bay, 2.45) for i in range(count) if rng.random() < 0.8]
    frame = Material((0.03, 0.03, 0.03), air + 1.0, 0.9)
    parts = [wall.part([box(0, 0, wall.length, 3.15)], frame)]
    if panes:
        parts.append(wall.part(panes, inside))
        parts.append(
            wall.part(
                [box((p[0, 0] + p[1, 0]) / 2 - 0.03, 0.5, (p[0, 0] + p[1, 0]) / 2 + 0.03, 2.45) for p in panes], frame
            )
        )
        parts += _goods(rng, wall, panes, air)
    return [*parts, wall.part([box(0.4, 2.55, max(0.35 * wall.length, 1.0), 3.05)], board)]


def _goods(rng: np.random.Generator, wall: Wall, panes: list[Outline], air: float) -> list[Part]:
    """What stands behind shop windows: shelves and goods, darker than the light behind them."""
    parts = []
    for dim in (0.15, 0.45, 0.75):
        tint = mixed((0.075, 0.06, 0.045), rgb(str(rng.choice(_BOARDS))), 0.04)
        goods = Material((0.05, 0.05, 0.05), air + 6.0, 0.86, scaled(tint, dim), grain=0.3, grain_size=1.0)
        boxes = []
        for pane in panes:
            for _ in range(3):
                x, low = rng.uniform(pane[0, 0] + 0.1, pane[1, 0] - 0.6), 0.5 + 0.5 * int(rng.integers(3))
                boxes.append(box(x, low, x + rng.uniform(0.15, 0.5), low + rng.uniform(0.15, 0.48)))
        parts.append(wall.part(boxes, goods))
    return parts
