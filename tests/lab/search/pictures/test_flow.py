"""Rows of items, and trunks drawn at given places of one sketch."""

from __future__ import annotations

import pytest

from imfuse.lab.nn.genotype import CellGene
from imfuse.lab.search.pictures.cells import trunk_items
from imfuse.lab.search.pictures.flow import GAP, ROW_GAP, Item, flow
from imfuse.lab.search.pictures.sketch import Sketch

CELLS = (CellGene("csc", ("res_3", "dil_3")), CellGene("cms", ("conv_3",)))


def item(width, above=10, below=20, seen=None):
    return Item(width, above, below, lambda sketch, x, y: seen.append((x, y)) if seen is not None else None)


def test_items_fill_rows_up_to_the_limit():
    items = [item(40), item(40), item(90), item(300), item(10)]
    whole = flow(items, 2 * 40 + GAP)
    assert [len(row) for row in whole.rows] == [2, 1, 1, 1]
    assert whole.width == 300
    assert whole.height == 4 * 30 + 3 * ROW_GAP


def test_items_of_a_row_stand_on_one_line_and_the_end_is_told():
    seen = []
    whole = flow([item(40, 10, 20, seen), item(30, 25, 5, seen), item(90, 15, 15, seen)], 100)
    end = whole.draw(Sketch(300, 300), 50, 60)
    second = 60 + 25 + 20 + ROW_GAP + 15
    assert seen == [(50, 85), (50 + 40 + GAP, 85), (50, second)]
    assert end == (50 + 90, second)


def test_trunks_at_several_places_of_one_sketch_have_their_own_names():
    asked = []

    def label(name):
        asked.append(name)
        return "0.50"

    sketch = Sketch(700, 400)
    for top, prefix in ((10, "infrared."), (200, "visible.")):
        flow(trunk_items(CELLS, 48, prefix=prefix, label=label), 700).draw(sketch, 20, top)
    cells = ["cell1.kind", "cell1.csc.op1", "cell1.csc.op2", "cell2.kind", "cell2.cms.op1"]
    assert set(asked) == {f"{prefix}.{name}" for prefix in ("infrared", "visible") for name in cells}
    heights = {text.get_position()[1] for text in sketch.figure.axes[0].texts if text.get_text() == "dil_3"}
    assert len(heights) == 2
    assert max(heights) - min(heights) == pytest.approx(190)
