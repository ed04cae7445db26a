"""Items in a row that the eye follows from left to right, and on in a row below where a row is full."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from imfuse.lab.search.pictures.sketch import Sketch

GAP = 18
"""Points between items, for the arrow from one to the next."""

ROW_GAP = 24
"""Points between rows."""


@dataclass(frozen=True)
class Item:
    """Something that features flow through, from the middle of its left side to that of its right side.

    Attributes:
        width: in points.
        above: what it takes above the line of flow.
        below: what it takes below.
        draw: puts it into a sketch, given its left side and the height of the line.
        frame: whether the arrow that enters it goes on inside, and has its head there.
    """

    width: float
    above: float
    below: float
    draw: Callable[[Sketch, float, float], None]
    frame: bool = False


@dataclass(frozen=True)
class Flow:
    """Rows of items.

    Attributes:
        rows: items from left to right.
    """

    rows: tuple[tuple[Item, ...], ...]

    @property
    def indent(self) -> float:
        """Points that lines need left of it: rows below the first are entered there."""
        return GAP if len(self.rows) > 1 else 0

    @property
    def width(self) -> float:
        """Of the widest row."""
        return max(sum(item.width for item in row) + GAP * (len(row) - 1) for row in self.rows)

    @property
    def height(self) -> float:
        """Of all rows with what lies between."""
        return sum(_above(row) + _below(row) for row in self.rows) + ROW_GAP * (len(self.rows) - 1)

    def draw(self, sketch: Sketch, x: float, y: float) -> tuple[float, float]:
        """Draw with the left upper corner at (x, y).

        Rows after the first are entered by an arrow that needs `GAP` points left of x.

        Returns:
            Where the last item ends, on its line of flow.
        """
        end = (x, y + _above(self.rows[0]))
        for row in self.rows:
            line = y + _above(row)
            if row is not self.rows[0]:
                between = y - ROW_GAP / 2
                turns = [(end[0] + GAP / 2, end[1]), (end[0] + GAP / 2, between), (x - GAP, between), (x - GAP, line)]
                _enter(sketch, row[0], end, *turns, (x, line))
            end = _draw_row(sketch, row, x, line)
            y += _above(row) + _below(row) + ROW_GAP
        return end


def flow(items: Sequence[Item], limit: float) -> Flow:
    """Items in as few rows as a width in points allows."""
    rows: list[list[Item]] = [[]]
    used = 0.0
    for item in items:
        if rows[-1] and used + item.width > limit:
            rows.append([])
            used = 0.0
        rows[-1].append(item)
        used += item.width + GAP
    return Flow(tuple(tuple(row) for row in rows))


def _draw_row(sketch: Sketch, row: Sequence[Item], x: float, line: float) -> tuple[float, float]:
    for index, item in enumerate(row):
        if index:
            _enter(sketch, item, (x, line), (x + GAP, line))
            x += GAP
        item.draw(sketch, x, line)
        x += item.width
    return x, line


def _enter(sketch: Sketch, item: Item, *points: tuple[float, float]) -> None:
    (sketch.path if item.frame else sketch.arrow)(*points)


def _above(row: Sequence[Item]) -> float:
    return max(item.above for item in row)


def _below(row: Sequence[Item]) -> float:
    return max(item.below for item in row)
