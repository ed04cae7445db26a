"""Plain boxes with words, and boxes of sources whose lines meet, as items of a flow."""

from __future__ import annotations

from collections.abc import Sequence

from imfuse.lab.search.pictures.flow import GAP, Item
from imfuse.lab.search.pictures.sketch import NORMAL, QUIET, SMALL, Sketch, text_width

LINE, PAD = 11.5, 8
SOURCE, APART = 22, 34
BESIDE = 6
"""Points between words and what stands beside them."""


def box_item(title: str, *lines: str, beside: Sequence[str] = ()) -> Item:
    """A box with a bold title and small lines under it.

    Args:
        title: the first line.
        lines: those under it.
        beside: quiet words at the end of each line, title included; empty texts for none.
    """
    texts = [title, *lines]
    quiet = [*beside, *[""] * (len(texts) - len(beside))]
    sizes = [NORMAL, *[SMALL] * len(lines)]
    widths = [text_width(text, size, bold=size == NORMAL) for text, size in zip(texts, sizes, strict=True)]
    wholes = [width + _beside_width(words) for width, words in zip(widths, quiet, strict=True)]
    width, half = max(wholes) + 2 * PAD, len(texts) * LINE / 2 + 5

    def draw(sketch: Sketch, x: float, y: float) -> None:
        sketch.box(x, y - half, width, 2 * half)
        for index, (text, size, whole) in enumerate(zip(texts, sizes, wholes, strict=True)):
            line, left = y + (index - len(lines) / 2) * LINE, x + (width - whole) / 2
            sketch.write(left, line, text, size=size, bold=size == NORMAL, align="left")
            sketch.write(left + whole, line, quiet[index], size=SMALL, colour=QUIET, align="right")

    return Item(width, half, half, draw)


def stem_item(resolution: int, width: int, *more: str, beside: Sequence[str] = ()) -> Item:
    """The box of a stem.

    Args:
        resolution: pixels a side that one feature covers.
        width: channels of the features.
        more: small lines.
        beside: quiet words at the end of each line, title included; empty texts for none.
    """
    return box_item("stem", f"{size_name(resolution)} size", f"{width} channels", *more, beside=beside)


def size_name(resolution: int) -> str:
    """Size of features, of that of the sources.

    Example:
        >>> size_name(1), size_name(8)
        ('full', '1/8')
    """
    return "full" if resolution == 1 else f"1/{resolution}"


def sources_item(names: Sequence[str]) -> Item:
    """Boxes of sources below each other, whose lines meet."""
    width = max(text_width(name, bold=True) for name in names) + 2 * PAD
    reach = (len(names) - 1) * APART / 2
    meet = width + GAP / 2

    def draw(sketch: Sketch, x: float, y: float) -> None:
        for index, name in enumerate(names):
            middle = y - reach + index * APART
            sketch.box(x, middle - SOURCE / 2, width, SOURCE)
            sketch.write(x + width / 2, middle, name, bold=True)
            sketch.path((x + width, middle), (x + meet, middle), (x + meet, y))

    return Item(meet, reach + SOURCE / 2, reach + SOURCE / 2, draw)


def _beside_width(words: str) -> float:
    return BESIDE + text_width(words, SMALL) if words else 0
