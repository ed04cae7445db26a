"""The cells of a trunk as items of a flow: a frame, its operators, and the scales or frequencies they work at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from imfuse.lab.nn.genotype import CellGene
from imfuse.lab.search.pictures.boxes import size_name
from imfuse.lab.search.pictures.flow import GAP, Item
from imfuse.lab.search.pictures.sketch import FRAME, QUIET, SHADE, SMALL, Sketch, text_width

Label = Callable[[str], str]
"""The name of a choice -> small words beside what was chosen, such as its probability; an empty text for none."""

TITLES = {"csc": "successive", "cms": "multi-scale", "cdc": "frequencies"}
BARS = {"cms": ("scales", "select"), "cdc": ("guided filters", "join")}
"""What parts the rows of a cell, and what joins them."""

PAD, TITLE, FOOT = 14, 18, 12
BOX, BAR, PLUS = 20, 15, 5
PITCH = {"csc": 0, "cms": 32, "cdc": 42}
"""From row to row."""


def trunk_items(
    cells: Sequence[CellGene], width: int, resolution: int = 1, *, prefix: str = "", label: Label = lambda _name: ""
) -> list[Item]:
    """One item a cell.

    Args:
        cells: in the order of the flow.
        width: channels of the features.
        resolution: pixels a side that one feature covers.
        prefix: of the names of the choices, such as `ffm.`.
        label: small words beside the kinds and under the operators.
    """
    pictures = [
        CellPicture(cell, width, resolution, f"{prefix}cell{index}", label) for index, cell in enumerate(cells, 1)
    ]
    return [Item(each.width, each.above, each.below, each.draw, frame=True) for each in pictures]


@dataclass(frozen=True)
class CellPicture:
    """One cell.

    Attributes:
        gene: its kind and operators.
        channels: of its features.
        resolution: pixels a side that one feature covers.
        name: what the names of its choices begin with, such as `cell1`.
        label: small words beside the kind and under the operators.
    """

    gene: CellGene
    channels: int
    resolution: int
    name: str
    label: Label

    @cached_property
    def rows(self) -> list[str]:
        """What each chain of operators works on: one nameless chain, sizes and channels, or bands."""
        if self.gene.kind == "cms":
            return [f"{size_name(self.resolution * step)} · {self.channels * step}" for step in (1, 2, 4)]
        return ["low", "high"] if self.gene.kind == "cdc" else [""]

    @cached_property
    def columns(self) -> list[float]:
        """Width of the box of each operator."""
        return [max(text_width(name) + 14, text_width(self.label(self._slot(i)), SMALL)) for i, name in self._numbered]

    @cached_property
    def before(self) -> float:
        """Width from the frame to the first operator."""
        return PAD + BAR + max(map(_small, self.rows)) + 14 if len(self.rows) > 1 else PAD

    @cached_property
    def after(self) -> float:
        """Width from the last operator to the frame."""
        adds = PAD + 2 * PLUS if self.gene.kind == "cms" else 0
        return GAP + BAR + adds + PAD if len(self.rows) > 1 else PAD

    @cached_property
    def inside(self) -> float:
        """Width that the chains take."""
        return self.before + sum(self.columns) + GAP * (len(self.columns) - 1) + self.after

    @cached_property
    def width(self) -> float:
        """Of the frame."""
        gap = 12 if self.label(f"{self.name}.kind") else 0
        heading = self._title_width + gap + _small(self.label(f"{self.name}.kind"))
        return max(self.inside, heading + 16)

    @cached_property
    def half(self) -> float:
        """Half of the height of the chains."""
        return (len(self.rows) - 1) * PITCH[self.gene.kind] / 2 + BOX / 2

    @cached_property
    def above(self) -> float:
        """From the line of flow to the upper side of the frame."""
        return self.half + TITLE + (10 if self.gene.kind == "cms" else 2)

    @cached_property
    def below(self) -> float:
        """From the line of flow to the lower side of the frame."""
        labelled = any(self.label(self._slot(i)) for i, _ in self._numbered)
        return self.half + 8 + (FOOT if labelled else 0)

    def draw(self, sketch: Sketch, x: float, y: float) -> None:
        """Draw with the left side at x and the line of flow at y."""
        sketch.box(x, y - self.above, self.width, self.above + self.below, fill=SHADE, edge=FRAME)
        title = y - self.above + TITLE / 2 + 1
        sketch.write(x + 8, title, self.gene.kind.upper(), bold=True, align="left")
        sketch.write(x + 8 + self._title_width, title, TITLES[self.gene.kind], size=SMALL, align="right")
        kind = self.label(f"{self.name}.kind")
        sketch.write(x + self.width - 8, title, kind, size=SMALL, colour=QUIET, align="right")
        left = x + (self.width - self.inside) / 2
        right = left + self.inside
        if len(self.rows) > 1:
            self._draw_bars(sketch, left, right, y)
        for index, row in enumerate(self.rows):
            self._draw_chain(sketch, left, y - self.half + BOX / 2 + index * PITCH[self.gene.kind], row)
        sketch.path((x, y), (left, y))
        sketch.path((right, y), (x + self.width, y))

    def _draw_bars(self, sketch: Sketch, left: float, right: float, y: float) -> None:
        parts, joins = BARS[self.gene.kind]
        join = right - self.after + GAP
        sketch.arrow((left, y), (left + PAD, y))
        for bar, word in ((left + PAD, parts), (join, joins)):
            sketch.box(bar, y - self.half, BAR, 2 * self.half)
            sketch.write(bar + BAR / 2, y, word, size=SMALL, upwards=True)
        sketch.path((join + BAR, y), (right, y))
        if self.gene.kind == "cms":
            plus, top, fork = right - PAD - PLUS, y - self.half - 7, left + PAD / 2
            sketch.plus(plus, y, PLUS)
            sketch.arrow((fork, y), (fork, top), (plus, top), (plus, y - PLUS))

    def _draw_chain(self, sketch: Sketch, left: float, y: float, row: str) -> None:
        x = left + self.before
        start = left + PAD + BAR if len(self.rows) > 1 else left
        sketch.write((start + x - 4) / 2, y - 6.5, row, size=SMALL)
        for (index, name), width in zip(self._numbered, self.columns, strict=True):
            sketch.arrow((start, y), (x, y))
            sketch.box(x, y - BOX / 2, width, BOX)
            sketch.write(x + width / 2, y, name)
            if row == self.rows[-1]:
                words = self.label(self._slot(index))
                sketch.write(x + width / 2, y + BOX / 2 + 7, words, size=SMALL, colour=QUIET)
            start, x = x + width, x + width + GAP
        if len(self.rows) > 1:
            sketch.arrow((start, y), (x, y))
        else:
            sketch.path((start, y), (left + self.inside, y))

    @property
    def _numbered(self) -> list[tuple[int, str]]:
        return list(enumerate(self.gene.operators, 1))

    @property
    def _title_width(self) -> float:
        return text_width(self.gene.kind.upper(), bold=True) + 5 + _small(TITLES[self.gene.kind])

    def _slot(self, index: int) -> str:
        return f"{self.name}.{self.gene.kind}.op{index}"


def cells_words(cells: Sequence[CellGene], label: str) -> str:
    """Words for how likely the number of cells was; an empty text where there is nothing to say.

    Example:
        >>> cells_words([], "0.12")
        'probability of 0 cells 0.12'
    """
    count = len(cells)
    return f"probability of {count} cell{'' if count == 1 else 's'} {label}" if label else ""


def _small(text: str) -> float:
    return text_width(text, SMALL)
