"""Pictures in pages: colours become variables, ids stay apart, and nothing of the file's own style is left."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree as ET

from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from imfuse.lab.page.svg import embedded


def drawn() -> str:
    figure = Figure()
    FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    axes.plot([1, 2], [3, 4], color="#010101", gid="data-method-7")
    axes.scatter([1, 2], [3, 4], color="#123456")
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def test_a_picture_of_matplotlib_is_well_formed_and_has_its_label():
    element = ET.fromstring(embedded(drawn(), "one", 'A "plot" < 3', {}).replace("xlink:", ""))
    assert element.attrib["aria-label"] == 'A "plot" < 3'
    assert element.attrib["role"] == "img"


def test_only_the_colours_that_are_named_become_variables():
    svg = embedded(drawn(), "one", "", {"#010101": "ink"})
    assert "var(--ink)" in svg
    assert "#010101" not in svg
    assert "#123456" in svg


def test_ids_begin_with_the_name_and_references_find_them():
    svg = embedded(drawn(), "one", "", {})
    ids = re.findall(r'\bid="([^"]*)"', svg)
    referred = re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', svg)
    assert ids
    assert all(name.startswith("one-") for name in ids)
    assert {a or b for a, b in referred} <= set(ids)


def test_marked_groups_become_attributes_and_the_style_of_the_file_goes():
    svg = embedded(drawn(), "one", "", {})
    assert 'data-method="7"' in svg
    assert "<style" not in svg
    assert "<metadata" not in svg
