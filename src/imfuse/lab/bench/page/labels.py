"""Labels beside points that cover neither points nor each other."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from imfuse.lab.bench.page import svg

SIZE = 12
GAP = 9
SIDES = (
    ("left", GAP * 0.7, 1.8 * GAP),  # above, where the front never passes
    ("right", -GAP * 0.7, 1.8 * GAP),
    ("left", GAP * 1.2, 0.0),
    ("right", -GAP * 1.2, 0.0),
    ("left", GAP * 0.7, -1.8 * GAP),
    ("right", -GAP * 0.7, -1.8 * GAP),
    ("left", GAP * 0.7, 3.2 * GAP),
    ("right", -GAP * 0.7, 3.2 * GAP),
    ("left", GAP * 0.7, -3.2 * GAP),
    ("right", -GAP * 0.7, -3.2 * GAP),
)

Box = tuple[float, float, float, float]


def place_labels(axes: Axes, x: Sequence[float], y: Sequence[float], names: Sequence[str]) -> None:
    """Write each name above, beside or below its point, the first place that is free."""
    points = [tuple(map(float, axes.transData.transform(point))) for point in zip(x, y, strict=True)]
    frame = axes.get_window_extent()
    taken: list[Box] = [(px - 6, py - 6, px + 6, py + 6) for px, py in points]
    for (px, py), name in zip(points, names, strict=True):
        width = len(svg.shortened(name)) * SIZE * 0.64
        places = [(side, dx, dy, _box(px + dx, py + dy, width, side)) for side, dx, dy in SIDES]
        inside = [place for place in places if frame.x0 <= place[3][0] and place[3][2] <= frame.x1] or places
        side, dx, dy, box = min(inside, key=lambda place: sum(_overlap(place[3], other) for other in taken))
        taken.append(box)
        at = axes.transData.inverted().transform((px + dx, py + dy))
        svg.write(axes, at[0], at[1], name, ha=side, fontsize=SIZE)


def _box(x: float, y: float, width: float, side: str) -> Box:
    left = x if side == "left" else x - width
    return left, y - SIZE * 0.6, left + width, y + SIZE * 0.6


def _overlap(first: Box, second: Box) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(width, 0) * max(height, 0)
