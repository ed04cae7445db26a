"""The drawn network of a search as an element of the page."""

from __future__ import annotations

from typing import Any

from imfuse.lab.page.svg import embedded
from imfuse.lab.search.drawing import label_chosen, sketch_genotype
from imfuse.lab.search.page.story import Story
from imfuse.lab.search.pictures.sketch import FRAME, INK, PAPER, QUIET, SHADE

COLOURS = {INK: "ink", QUIET: "muted", PAPER: "card", SHADE: "page", FRAME: "line"}


def drawing(story: Story, name: str) -> dict[str, Any] | None:
    """The picture of the network and its width in points; None where there is no network yet.

    Args:
        story: whose network is drawn.
        name: of the network in words, for readers that do not see the picture.
    """
    if not story.genotype:
        return None
    sketch = sketch_genotype(story.genotype, label_chosen(story.genotype, story.leader.probabilities, story.space))
    svg = sketch.encoded("svg", salt=str(story.genotype)).decode()
    width = round(sketch.figure.get_size_inches()[0] * 72)
    return {"svg": embedded(svg, "network", f"{name}: {story.genotype}", COLOURS), "width": width}
