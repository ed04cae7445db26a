"""Draw a genotype: sources, stem, cells with their operators, head, fused image; of HAF, all of its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal

from imfuse.images.storage import write_file
from imfuse.lab.nn.genotype import Genotype
from imfuse.lab.nn.haf_genotype import HAFGenotype
from imfuse.lab.search.choices import SearchSpace
from imfuse.lab.search.pictures.boxes import box_item, sources_item, stem_item
from imfuse.lab.search.pictures.cells import Label, cells_words, trunk_items
from imfuse.lab.search.pictures.flow import Item, flow
from imfuse.lab.search.pictures.haf import haf_picture
from imfuse.lab.search.pictures.sketch import PICTURE_FORMATS, QUIET, SMALL, Sketch, text_width

Probabilities = Mapping[str, Sequence[float]]
"""The name of a choice -> a probability of each of its options."""

HEAD_LINES = {
    "direct": ("the image itself",),
    "blend": ("weights of the sources", "and a residual"),
    "pyramid": ("weights of the sources", "level by level"),
}
MARGIN, CAPTION = 14, 16
ROW = 780
"""Points that a row of the picture may take."""


def draw_genotype(
    genotype: Genotype | HAFGenotype,
    target: Path | str | BinaryIO,
    probabilities: Probabilities | None = None,
    *,
    space: SearchSpace[Any] | None = None,
    picture_format: Literal["png", "svg"] | None = None,
) -> None:
    """Write the picture of a genotype.

    Args:
        genotype: of any number of cells; rows are begun anew where the picture would become too wide.
        target: a file that ends in `.png` or `.svg`, or an open binary one.
        probabilities: of the options of the choices of `space`, written beside what the genotype took.
        space: that the search looked through; needed with `probabilities`, to know which options were taken.
        picture_format: needed for an open file; else its name says it.

    Raises:
        ValueError: no such format, or probabilities without a space.
        RecipeError: the genotype is outside the space.
        ImageWriteError: the file cannot be written.
    """
    path = Path(target) if isinstance(target, (str, Path)) else None
    found = picture_format or (path.suffix.lower().lstrip(".") if path else None)
    if found not in PICTURE_FORMATS:
        raise ValueError(f"{path or 'an open file'}: picture format {found!r}; expected one of {PICTURE_FORMATS}")
    sketch = sketch_genotype(genotype, label_chosen(genotype, probabilities, space))
    data = sketch.encoded(found, salt=str(genotype))
    if path:
        write_file(path, data)
    else:
        target.write(data)  # type: ignore[union-attr]


def sketch_genotype(genotype: Genotype | HAFGenotype, label: Label = lambda _name: "") -> Sketch:
    """The picture of a genotype.

    Args:
        genotype: what to draw.
        label: small words beside what was chosen, by the name of the choice.
    """
    caption = str(genotype)
    if isinstance(genotype, HAFGenotype):
        whole = haf_picture(genotype, label, ROW)
    else:
        whole = flow(_items(genotype, label), ROW)
        caption = "      ".join(filter(None, [caption, cells_words(genotype.cells, label("cells"))]))
    left = MARGIN + whole.indent
    sketch = Sketch(max(whole.width, text_width(caption, SMALL)) + 2 * left, whole.height + 2 * MARGIN + CAPTION)
    whole.draw(sketch, left, MARGIN)
    sketch.write(left, whole.height + MARGIN + CAPTION, caption, size=SMALL, colour=QUIET, align="left")
    return sketch


def label_chosen(genotype: Any, probabilities: Probabilities | None, space: SearchSpace[Any] | None) -> Label:
    """Words for the probability of what a genotype took in each choice, to two digits.

    Raises:
        ValueError: probabilities without a space.
        RecipeError: the genotype is outside the space.
    """
    if not probabilities:
        return lambda _name: ""
    if space is None:
        raise ValueError("probabilities without their space; give the space, to know which options were taken")
    picks = space.picks(genotype)
    words = {name: f"{probabilities[name][index]:.2f}" for name, index in picks.items() if name in probabilities}
    return lambda name: words.get(name, "")


def _items(genotype: Genotype, label: Label) -> list[Item]:
    return [
        sources_item(("A", "B")),
        stem_item(genotype.resolution, genotype.width, beside=("", label("resolution"), label("width"))),
        *trunk_items(genotype.cells, genotype.width, genotype.resolution, label=label),
        box_item(f"{genotype.head} head", *HEAD_LINES[genotype.head], beside=(label("head"),)),
        box_item("fused"),
    ]
