"""Pictures of genotypes: what stands in them, that words fit and nothing collides, and their files."""

from __future__ import annotations

import io
import warnings
from itertools import combinations, pairwise
from xml.etree import ElementTree as ET

import cv2
import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.patches import FancyBboxPatch
from matplotlib.transforms import Bbox

from imfuse.errors import ImageWriteError, RecipeError
from imfuse.lab.models.haf import READING
from imfuse.lab.nn.genotype import HEADS, KINDS, OPERATOR_NAMES, RESOLUTIONS, CellGene, Genotype
from imfuse.lab.nn.haf_genotype import HAFGenotype
from imfuse.lab.search.drawing import ROW, draw_genotype, label_chosen, sketch_genotype
from imfuse.lab.search.haf_space import HAFSpace
from imfuse.lab.search.space import Space

TIM = Genotype.parse("x1 w48 direct cms(res_3 dil_3) csc(dense_3 dil_3)")
LARGE = Genotype.parse(
    "x4 w128 pyramid" + " cms(dense_5 channel_3) cdc(spatial_3 spatial_3) csc(sep_5 conv_3 res_5)" * 2
)
HAF = HAFGenotype.parse(READING)
SPACE = Space(cells=(1, 2), widths=(16, 48), heads=HEADS)
CELL = st.builds(
    CellGene, st.sampled_from(KINDS), st.lists(st.sampled_from(OPERATOR_NAMES), min_size=1, max_size=4).map(tuple)
)
WIDTHS = st.sampled_from((2, 48, 1024))
FEW = st.lists(CELL, max_size=2).map(tuple)
HAF_GENOTYPES = st.builds(HAFGenotype, FEW, FEW, FEW, WIDTHS)
GENOTYPES = st.builds(
    Genotype,
    cells=st.lists(CELL, max_size=6).map(tuple),
    resolution=st.sampled_from(RESOLUTIONS),
    width=WIDTHS,
    head=st.sampled_from(HEADS),
)
EPSILON = 0.01


def axes_of(sketch):
    return sketch.figure.axes[0]


def words(sketch) -> list[str]:
    return [text.get_text() for text in axes_of(sketch).texts]


def boxes(sketch) -> list[Bbox]:
    found = (patch for patch in axes_of(sketch).patches if isinstance(patch, FancyBboxPatch))
    return [Bbox.from_bounds(*(patch.get_path().get_extents().bounds)) for patch in found]


def extents(sketch) -> dict[int, Bbox]:
    """Of words, in points of the picture."""
    axes, renderer = axes_of(sketch), sketch.figure.canvas.get_renderer()
    inverse = axes.transData.inverted()
    return {i: Bbox(inverse.transform(text.get_window_extent(renderer))) for i, text in enumerate(axes.texts)}


def ordered(box: Bbox) -> tuple[float, float, float, float]:
    return min(box.x0, box.x1), min(box.y0, box.y1), max(box.x0, box.x1), max(box.y0, box.y1)


def inside(small: Bbox, large: Bbox) -> bool:
    x0, y0, x1, y1 = ordered(small)
    left, top, right, bottom = ordered(large)
    return left - EPSILON <= x0 and top - EPSILON <= y0 and x1 <= right + EPSILON and y1 <= bottom + EPSILON


def apart(one: Bbox, other: Bbox) -> bool:
    x0, y0, x1, y1 = ordered(one)
    left, top, right, bottom = ordered(other)
    return x1 <= left + EPSILON or right <= x0 + EPSILON or y1 <= top + EPSILON or bottom <= y0 + EPSILON


def check(sketch) -> None:
    width, height = sketch.figure.get_size_inches() * 72
    page = Bbox([[0, 0], [width, height]])
    texts, frames = extents(sketch), boxes(sketch)
    assert all(inside(each, page) for each in [*texts.values(), *frames])
    assert all(apart(one, other) for one, other in combinations(texts.values(), 2))
    assert all(apart(one, other) or inside(one, other) or inside(other, one) for one, other in combinations(frames, 2))
    for i, text in texts.items():
        assert all(apart(text, frame) or inside(text, frame) for frame in frames), words(sketch)[i]


@settings(max_examples=6, deadline=None)
@given(GENOTYPES, st.booleans())
def test_words_fit_their_boxes_and_nothing_collides(genotype, labelled):
    check(sketch_genotype(genotype, lambda _name: "0.12" if labelled else ""))


@settings(max_examples=4, deadline=None)
@given(HAF_GENOTYPES, st.booleans())
def test_words_fit_and_nothing_collides_in_pictures_of_haf(genotype, labelled):
    sketch = sketch_genotype(genotype, lambda _name: "0.12" if labelled else "")
    check(sketch)
    check_lines(sketch)


@pytest.mark.parametrize("genotype", [LARGE, HAF])
def test_long_labels_widen_their_boxes(genotype):
    check(sketch_genotype(genotype, lambda name: f"words of {name}"))


@pytest.mark.parametrize("genotype", [LARGE, HAF, HAFGenotype((), (), ())])
def test_lines_keep_clear_of_words(genotype):
    check_lines(sketch_genotype(genotype, lambda _name: "0.12"))


def check_lines(sketch) -> None:
    texts = extents(sketch).values()
    for line in axes_of(sketch).lines:
        points = np.asarray(line.get_xydata())
        for start, end in pairwise(points):
            piece = Bbox([np.minimum(start, end), np.maximum(start, end)])
            assert all(apart(piece, text) for text in texts)


def test_a_wide_network_goes_on_in_rows_below():
    one, many = sketch_genotype(TIM), sketch_genotype(LARGE)
    assert many.figure.get_size_inches()[0] * 72 <= ROW + 100
    assert many.figure.get_size_inches()[1] > 2 * one.figure.get_size_inches()[1]


def test_everything_of_the_genotype_is_named():
    found = words(sketch_genotype(TIM))
    assert found[:5] == ["A", "B", "stem", "full size", "48 channels"]
    assert found[-4:-1] == ["direct head", "the image itself", "fused"]
    assert found[-1] == str(TIM)
    assert found.count("res_3") == 3  # once a scale
    assert found.count("dil_3") == 3 + 1
    assert found.count("dense_3") == 1
    assert {"CMS", "CSC", "full · 48", "1/2 · 96", "1/4 · 192"} <= set(found)


def test_every_part_of_haf_is_drawn_with_what_goes_into_it_and_how_they_meet():
    found = words(sketch_genotype(HAF))
    titles = [found.index(title) for title in ("Feature-level module", "Target branch", "Detail branch")]
    first, target, detail = (found[start:end] for start, end in pairwise([*titles, len(found)]))
    assert first[1:4] == ["A", "B", "stem"]
    assert first[-4:] == ["direct head", "the image itself", "F₀", "first fused"]
    assert target[1:4] == ["A", "F₀", "stem"]
    assert detail[1:4] == ["B", "F₀", "stem"]
    assert detail[-5:] == ["masked join", "mask of the target branch", "weighs both", "fused", str(HAF)]
    drawn = [[name for name in part if name in OPERATOR_NAMES] for part in (first, target, detail)]
    assert drawn[0] == 3 * ["res_3", "dil_3"] + ["dense_3", "dil_3"]
    assert drawn[1:] == [2 * ["spatial_3", "dil_3"], 2 * ["channel_3", "spatial_3"]]


def test_both_branches_of_haf_end_in_the_join():
    sketch = sketch_genotype(HAF)
    lines = [np.asarray(line.get_xydata()) for line in axes_of(sketch).lines]
    first, second = (points for points in lines[-4:] if len(points) == 3)
    assert first[-1].tolist() == second[-1].tolist()
    assert first[0, 1] < first[-1, 1] < second[0, 1]
    (entered,) = (points for points in lines if points[0].tolist() == first[-1].tolist())
    join = boxes(sketch)[-2]
    assert entered[-1] == pytest.approx([min(join.x0, join.x1), (join.y0 + join.y1) / 2])


def test_probabilities_of_haf_stand_at_their_parts():
    space = HAFSpace(ffm=(1, 2), target=(2, 3), detail=(2,), widths=(16, 48))
    picks = space.picks(HAF)
    probabilities = {choice.name: [0.0] * len(choice.options) for choice in space.choices}
    taken = {
        "width": 0.11,
        "ffm.cells": 0.12,
        "target.cells": 0.13,
        "target.cell2.csc.op1": 0.14,
        "detail.cell1.kind": 0.15,
    }
    for name, value in taken.items():
        probabilities[name][picks[name]] = value
    found = words(sketch_genotype(HAF, label_chosen(HAF, probabilities, space)))
    places = [found.index("Target branch"), found.index("Detail branch")]
    first, target, detail = found[: places[0]], found[places[0] : places[1]], found[places[1] :]
    assert [word for word in first if word != "0.00" and "0.1" in word] == ["probability of 2 cells 0.12", "0.11"]
    assert [word for word in target if "0.1" in word] == ["probability of 2 cells 0.13", "0.14"]
    assert [word for word in detail if "0.1" in word] == ["0.15"]


def test_scales_count_from_the_resolution_and_bands_are_named():
    found = words(sketch_genotype(Genotype.parse("x2 w8 blend cms(res_3) cdc(dil_3)")))
    assert {"1/2 size", "1/2 · 8", "1/4 · 16", "1/8 · 32", "low", "high", "guided filters"} <= set(found)
    assert found.count("dil_3") == 2


def test_probabilities_are_those_of_what_was_taken_likely_or_not():
    genotype = Genotype.parse("x1 w16 blend csc(sep_3 dil_3)")
    probabilities = {choice.name: [0.0] * len(choice.options) for choice in SPACE.choices}
    taken = {
        "width": 0.11,
        "cells": 0.12,
        "head": 0.13,
        "cell1.kind": 0.14,
        "cell1.csc.op1": 0.15,
        "cell1.csc.op2": 0.16,
    }
    for name, value in taken.items():
        probabilities[name][SPACE.picks(genotype)[name]] = value
    label = label_chosen(genotype, probabilities, SPACE)
    assert {name: label(name) for name in taken} == {name: f"{value:.2f}" for name, value in taken.items()}
    assert label("cell2.kind") == label("resolution") == ""
    found = words(sketch_genotype(genotype, label))
    assert found[-1] == f"{genotype}      probability of 1 cell 0.12"
    assert sum(text in {"0.11", "0.13", "0.14", "0.15", "0.16"} for text in found) == 5


def test_probabilities_of_some_choices_only_leave_the_others_bare():
    label = label_chosen(TIM, {"width": [0.25, 0.75]}, SPACE)
    assert (label("width"), label("head")) == ("0.75", "")


def test_probabilities_need_a_space_that_holds_the_genotype():
    with pytest.raises(ValueError, match="give the space"):
        draw_genotype(TIM, io.BytesIO(), {"width": [0.5, 0.5]}, picture_format="svg")
    with pytest.raises(RecipeError, match="outside the search space"):
        draw_genotype(TIM, io.BytesIO(), {"width": [0.5, 0.5]}, space=Space(widths=(8, 16)), picture_format="svg")


def test_a_png_holds_the_picture_in_greys(tmp_path):
    draw_genotype(TIM, tmp_path / "tim.png")
    pixels = cv2.imread(str(tmp_path / "tim.png"), cv2.IMREAD_UNCHANGED)
    width, height = sketch_genotype(TIM).figure.get_size_inches() * 144
    assert pixels.shape[:2] == (int(height), int(width))
    assert np.ptp(pixels[..., :3].astype(int), axis=2).max() == 0
    assert pixels[0, 0, 0] == 255
    assert 0.01 < (pixels[..., 0] < 100).mean() < 0.1


def test_an_svg_is_the_same_each_time_whatever_style_is_set(tmp_path):
    draw_genotype(TIM, tmp_path / "new" / "tim.svg")
    with mpl.rc_context({"font.size": 20, "savefig.bbox": "tight", "axes.facecolor": "red"}):
        stream = io.BytesIO()
        draw_genotype(TIM, stream, picture_format="svg")
    text = (tmp_path / "new" / "tim.svg").read_bytes()
    assert stream.getvalue() == text
    assert ET.fromstring(text).tag.endswith("svg")
    assert b"<dc:date>" not in text


def test_drawing_leaves_no_figure_open_and_no_setting_changed(tmp_path):
    before = dict(mpl.rcParams)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_genotype(Genotype(()), str(tmp_path / "none.svg"))
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize(
    ("target", "found"), [("tim.pdf", "tim.pdf: picture format 'pdf'"), ("tim", "tim: picture format ''")]
)
def test_another_format_is_refused(target, found):
    with pytest.raises(ValueError, match=rf"^{found}; expected one of \('png', 'svg'\)$"):
        draw_genotype(TIM, target)
    with pytest.raises(ValueError, match=r"^an open file: picture format None"):
        draw_genotype(TIM, io.BytesIO())


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(ImageWriteError, match=r"folder\.svg"):
        draw_genotype(TIM, tmp_path / "folder.svg")
