"""Genotypes as values and texts, their errors, and that their names are those of what is built of them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imfuse.errors import RecipeError
from imfuse.lab.nn.cells import CELLS
from imfuse.lab.nn.fusion_heads import FUSION_HEADS
from imfuse.lab.nn.genotype import HEADS, KINDS, OPERATOR_NAMES, RESOLUTIONS, CellGene, Genotype
from imfuse.lab.nn.operators import OPERATORS

OPERATOR_LISTS = st.lists(st.sampled_from(OPERATOR_NAMES), min_size=1, max_size=4).map(tuple)
GENOTYPES = st.builds(
    Genotype,
    cells=st.lists(st.builds(CellGene, st.sampled_from(KINDS), OPERATOR_LISTS), max_size=6).map(tuple),
    resolution=st.sampled_from(RESOLUTIONS),
    width=st.integers(1, 512).map(lambda half: 2 * half),
    head=st.sampled_from(HEADS),
)


def test_names_are_those_of_what_is_built():
    assert tuple(OPERATORS) == OPERATOR_NAMES
    assert set(CELLS) == set(KINDS)
    assert set(FUSION_HEADS) == set(HEADS)


@settings(deadline=None)
@given(GENOTYPES)
def test_the_text_is_read_back(genotype):
    assert Genotype.parse(str(genotype)) == genotype
    assert hash(Genotype.parse(str(genotype))) == hash(genotype)


@settings(deadline=None)
@given(GENOTYPES, st.text(" \n\t", min_size=1, max_size=3))
def test_spaces_do_not_matter(genotype, space):
    text = str(genotype).replace(" ", space).replace(")", f"{space}){space}").replace(":", f"{space}:")
    assert Genotype.parse(space + text + space) == genotype


def test_a_network_without_cells_has_a_text():
    assert str(Genotype(())) == "x1 w48 direct"
    assert Genotype.parse("x1 w48 direct") == Genotype(())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "csc(res_3)",
        "x1 w48",
        "x1 direct: csc(res_3)",
        "w48 x1 direct: csc(res_3)",
        "x1 w-8 direct: csc(res_3)",
        "x1 w48 direct csc",
        "x1 w48 direct csc(res_3",
        "x1 w48 direct csc(res_3) and more",
        "x1 w48 direct csc(res_3 (dil_3))",
        "x1 w48 direct (res_3)",
    ],
)
def test_a_text_of_another_form_is_shown_what_is_expected(text):
    with pytest.raises(RecipeError) as caught:
        Genotype.parse(text)
    assert str(caught.value) == f"genotype {text!r}: expected a text such as 'x1 w48 direct csc(res_3 dil_3)'"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x3 w48 direct", "genotype: resolution 3; expected one of (1, 2, 4)"),
        ("x1 w47 direct", "genotype: width 47; expected an even number from 2 up"),
        ("x1 w0 direct", "genotype: width 0; expected an even number from 2 up"),
        (
            "x1 w48 directs",
            "genotype: no head 'directs'; did you mean 'direct'? Known: direct, blend, pyramid",
        ),
        ("x1 w48 mean", "genotype: no head 'mean'. Known: direct, blend, pyramid"),
        (
            "x1 w48 direct cscs(res_3)",
            "genotype: no cell 'cscs'; did you mean 'csc'? Known: csc, cms, cdc",
        ),
        (
            "x1 w48 direct csc(res3)",
            f"genotype: no operator 'res3'; did you mean 'res_3'? Known: {', '.join(OPERATOR_NAMES)}",
        ),
        (
            "x1 w48 direct csc(pool)",
            f"genotype: no operator 'pool'. Known: {', '.join(OPERATOR_NAMES)}",
        ),
        (
            "x1 w48 direct csc( )",
            "genotype: a cell 'csc' without operators; name at least one",
        ),
    ],
)
def test_a_wrong_value_is_named_with_what_is_known(text, message):
    with pytest.raises(RecipeError) as caught:
        Genotype.parse(text)
    assert str(caught.value) == message


def test_reading_a_genotype_needs_no_torch():
    program = "import sys, imfuse.lab.nn.genotype, imfuse.lab.search.space; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
