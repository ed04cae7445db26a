"""The picture of a network of HAF: the feature-level module, below it the two branches, and their join at the right."""

from __future__ import annotations

from dataclasses import dataclass

from imfuse.lab.nn.haf_genotype import HAFGenotype
from imfuse.lab.search.pictures.boxes import box_item, sources_item, stem_item
from imfuse.lab.search.pictures.cells import Label, cells_words, trunk_items
from imfuse.lab.search.pictures.flow import GAP, Flow, Item, flow
from imfuse.lab.search.pictures.sketch import QUIET, SMALL, Sketch, text_width

FIRST_FUSED = "F₀"
TITLES = {"ffm": "Feature-level module", "target": "Target branch", "detail": "Detail branch"}
TITLE, APART = 24, 22
"""Points for the title of a part, and between parts."""


@dataclass(frozen=True)
class HAFPicture:
    """Three flows below each other, each with a title; the last two meet at the right.

    Attributes:
        parts: the flow of each part, by the names of `TITLES`.
        remarks: small words beside the title of each.
        end: one row, from the join to the fused image.
    """

    parts: dict[str, Flow]
    remarks: dict[str, str]
    end: Flow

    @property
    def indent(self) -> float:
        """Points that lines need left of it."""
        return max(part.indent for part in self.parts.values())

    @property
    def width(self) -> float:
        """In points."""
        return max(self.parts["ffm"].width, self._join + self.end.width, *map(self._title_width, self.parts))

    @property
    def height(self) -> float:
        """In points."""
        return sum(TITLE + part.height for part in self.parts.values()) + APART * (len(self.parts) - 1)

    def draw(self, sketch: Sketch, x: float, y: float) -> None:
        """Draw with the left upper corner at (x, y)."""
        ends = {}
        for name, part in self.parts.items():
            sketch.write(x, y + 6, TITLES[name], bold=True, align="left")
            right = x + self._title_width(name)
            sketch.write(right, y + 6, self.remarks[name], size=SMALL, colour=QUIET, align="right")
            ends[name] = part.draw(sketch, x, y + TITLE)
            y += TITLE + part.height + APART
        self._draw_join(sketch, x, ends["target"], ends["detail"])

    def _draw_join(self, sketch: Sketch, x: float, *ends: tuple[float, float]) -> None:
        meet, middle = x + self._join - GAP, sum(line for _, line in ends) / len(ends)
        for end in ends:
            sketch.path(end, (meet, end[1]), (meet, middle))
        sketch.arrow((meet, middle), (x + self._join, middle))
        self.end.draw(sketch, x + self._join, middle - self.end.height / 2)

    @property
    def _join(self) -> float:
        """From the left side of the picture to that of the join; lines of rows that go on below lie before it."""
        branches = ("target", "detail")
        return max(max(self.parts[name].width, self._title_width(name)) for name in branches) + 2 * GAP

    def _title_width(self, name: str) -> float:
        remark = self.remarks[name]
        return text_width(TITLES[name], bold=True) + (12 + text_width(remark, SMALL) if remark else 0)


def haf_picture(genotype: HAFGenotype, label: Label, limit: float) -> HAFPicture:
    """The picture of a genotype.

    Args:
        genotype: what to draw.
        label: small words beside what was chosen, by the name of the choice.
        limit: points that a row may take.
    """
    join = box_item("masked join", "mask of the target branch", "weighs both")
    end = Flow(((join, box_item("fused")),))
    rooms = {"ffm": limit, "target": limit - end.width - 2 * GAP, "detail": limit - end.width - 2 * GAP}
    parts = {name: flow(_items(genotype, name, label), room) for name, room in rooms.items()}
    remarks = {name: cells_words(getattr(genotype, name), label(f"{name}.cells")) for name in parts}
    return HAFPicture(parts, remarks, end)


def _items(genotype: HAFGenotype, name: str, label: Label) -> list[Item]:
    cells = trunk_items(getattr(genotype, name), genotype.width, prefix=f"{name}.", label=label)
    if name == "ffm":
        stem = stem_item(1, genotype.width, beside=("", "", label("width")))
        head = box_item("direct head", "the image itself")
        return [sources_item(("A", "B")), stem, *cells, head, box_item(FIRST_FUSED, "first fused")]
    source = "A" if name == "target" else "B"
    return [sources_item((source, FIRST_FUSED)), stem_item(1, genotype.width, "batch norm"), *cells]
