"""The space of fusion networks against brute force, and what it refuses."""

from __future__ import annotations

import pickle
from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imfuse.errors import RecipeError
from imfuse.lab.nn.genotype import HEADS, KINDS, OPERATOR_NAMES, CellGene, Genotype
from imfuse.lab.nn.operators import PAPER_OPERATORS as MADE_OPERATORS
from imfuse.lab.search.choices import sample
from imfuse.lab.search.space import PAPER_OPERATORS, Space

SMALL = [
    Space(kinds=("csc",), operators=("res_3",), cells=(0,)),
    Space(kinds=("csc",), operators=("res_3",), slots=3, cells=(1, 2)),
    Space(kinds=("csc", "cdc"), operators=("res_3", "dil_3"), cells=(1,)),
    Space(kinds=("csc", "cms"), operators=("res_3", "dil_3"), slots=1, cells=(0, 1, 2), heads=("blend", "pyramid")),
    Space(kinds=("cdc",), operators=("res_3", "dil_3", "conv_3"), slots=1, cells=(2,), widths=(8, 4, 6)),
    Space(kinds=("csc",), operators=("res_3", "dil_3"), slots=2, cells=(2, 0), resolutions=(4, 1), heads=HEADS),
]


def enumerated(space: Space) -> set[Genotype]:
    """Every genotype by all combinations of all picks, needed or not."""
    names = [choice.name for choice in space.choices]
    combinations = product(*(range(len(choice.options)) for choice in space.choices))
    return {space.genotype(dict(zip(names, picks, strict=True))) for picks in combinations}


def subsets(options):
    return st.lists(st.sampled_from(options), min_size=1, unique=True).map(tuple)


SPACES = st.builds(
    Space,
    kinds=subsets(KINDS),
    operators=subsets(OPERATOR_NAMES),
    slots=st.integers(1, 3),
    cells=subsets((0, 1, 2, 3)),
    resolutions=subsets((1, 2, 4)),
    widths=subsets((2, 8, 48)),
    heads=subsets(HEADS),
)


@pytest.mark.parametrize("space", SMALL)
def test_the_size_is_the_number_of_different_genotypes(space):
    genotypes = enumerated(space)
    assert space.size == len(genotypes)
    assert all(genotype in space for genotype in genotypes)


@settings(deadline=None)
@given(SPACES, st.integers(0, 2**32))
def test_picks_and_genotypes_give_each_other(space, seed):
    genotype = sample(space, Random(seed))
    picks = space.picks(genotype)
    assert space.genotype(picks) == genotype
    assert genotype in space
    assert list(picks) == [choice.name for choice in space.choices if choice.name in picks]


@settings(deadline=None)
@given(SPACES, st.integers(0, 2**32))
def test_picks_are_those_of_the_cells_and_kinds_that_are_there(space, seed):
    genotype = sample(space, Random(seed))
    open_choices = {choice.name for choice in space.choices} - space.picks(genotype).keys()
    there = {f"cell{index}.{cell.kind}" for index, cell in enumerate(genotype.cells, 1)}
    for name in open_choices:
        cell, of_cell = name.split(".", 1)
        assert int(cell[4:]) > len(genotype.cells) or (of_cell != "kind" and name.rsplit(".", 1)[0] not in there)


def test_choices_stand_in_order_with_their_levels():
    space = Space(
        kinds=("csc", "cms"),
        operators=("res_3", "dil_3"),
        cells=(1, 2),
        resolutions=(1, 2),
        widths=(8, 16),
        heads=HEADS,
    )
    operators = ["csc.op1", "csc.op2", "cms.op1", "cms.op2"]
    of_cells = [f"cell{cell}.{each}" for cell in (1, 2) for each in ["kind", *operators]]
    assert [choice.name for choice in space.choices] == ["resolution", "width", "cells", "head", *of_cells]
    assert all((choice.level == "micro") == (".op" in choice.name) for choice in space.choices)
    assert space.choices[0].options == (1, 2)
    assert space.choices[5].options == ("res_3", "dil_3")


def test_decisions_with_one_option_are_no_choices():
    space = Space(kinds=("cdc",), operators=("res_3", "dil_3"), slots=1)
    assert [choice.name for choice in space.choices] == ["cell1.cdc.op1", "cell2.cdc.op1"]
    assert str(space.genotype({"cell1.cdc.op1": 1, "cell2.cdc.op1": 0})) == "x1 w48 direct cdc(dil_3) cdc(res_3)"


def test_the_space_of_the_paper_holds_the_networks_of_the_paper():
    assert tuple(MADE_OPERATORS) == PAPER_OPERATORS
    space = Space()
    assert space.size == (3 * 10**2) ** 2
    assert Genotype.parse("x1 w48 direct cms(res_3 dil_3) csc(dense_3 dil_3)") in space
    assert Genotype.parse("x1 w48 direct csc(res_3 channel_3) csc(res_3 channel_3)") in space


@pytest.mark.parametrize(
    ("genotype", "found"),
    [
        ("x2 w8 blend csc(res_3)", r"resolution 2; expected one of \(1,\)"),
        ("x1 w16 blend csc(res_3)", r"width 16; expected one of \(8,\)"),
        ("x1 w8 blend", r"cells 0; expected one of \(1,\)"),
        ("x1 w8 direct csc(res_3)", r"head direct; expected one of \('blend',\)"),
        ("x1 w8 blend cdc(res_3)", r"cell1\.kind cdc; expected one of \('csc', 'cms'\)"),
        ("x1 w8 blend csc(res_3 res_3)", r"operators in cell1 2; expected one of \(1,\)"),
        ("x1 w8 blend cms(conv_3)", r"cell1\.cms\.op1 conv_3; expected one of \('res_3', 'dil_3'\)"),
    ],
)
def test_a_genotype_outside_says_why(genotype, found):
    space = Space(
        kinds=("csc", "cms"), operators=("res_3", "dil_3"), slots=1, cells=(1,), widths=(8,), heads=("blend",)
    )
    outside = Genotype.parse(genotype)
    assert outside not in space
    assert Genotype((CellGene("csc", ("res_3",)),), width=8, head="blend") in space
    with pytest.raises(RecipeError, match=f"outside the search space: {found}$"):
        space.picks(outside)


def test_a_missing_pick_names_its_choice():
    with pytest.raises(RecipeError, match=r"no pick for 'cell2\.kind'; expected 0 to 2"):
        Space(slots=1, operators=("res_3",)).genotype({"cell1.kind": 0})


@pytest.mark.parametrize(
    ("field", "options", "message"),
    [
        ("kinds", ("csc", "cmd"), r"kinds has 'cmd'; did you mean '\w+'\? Known: csc, cms, cdc"),
        ("kinds", ("other",), r"kinds has 'other'\. Known: csc, cms, cdc"),
        ("operators", ("res3",), r"operators has 'res3'; did you mean 'res_3'\? Known: sep_3"),
        ("heads", ("Direct",), r"heads has 'Direct'; did you mean 'direct'\? Known: direct, blend, pyramid"),
        ("resolutions", (1, 3), r"resolutions has 3\. Known: 1, 2, 4"),
        ("cells", (-1,), r"cells has -1; expected whole numbers from 0 up"),
        ("cells", (1.5,), r"cells has 1\.5; expected whole numbers from 0 up"),
        ("widths", (0,), r"widths has 0; expected whole numbers from 2 up"),
        ("widths", (8, 9), r"widths has 9; expected even numbers"),
        ("slots", 0, r"slots has 0; expected whole numbers from 1 up"),
        ("heads", (), r"heads is \(\); give at least one option, as a list"),
        ("kinds", "csc", r"kinds is 'csc'; give at least one option, as a list"),
        ("widths", (8, 8), r"widths has an option twice in \(8, 8\); name each once"),
    ],
)
def test_a_wrong_field_is_named(field, options, message):
    with pytest.raises(RecipeError, match=f"^search space: {message}"):
        Space(**{field: options})


def test_lists_of_a_yaml_file_become_a_space():
    from jsonargparse import ArgumentParser

    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--space", type=Space)
    text = "space: {kinds: [csc], cells: [0, 1], widths: [8, 16]}"
    values = parser.parse_string(text).space.as_dict()
    assert Space(**values) == Space(kinds=("csc",), cells=(0, 1), widths=(8, 16))


def test_a_space_is_a_value():
    space = Space(cells=(1,))
    assert space.choices
    assert pickle.loads(pickle.dumps(space)) == space == Space(cells=(1,))
    assert hash(space) == hash(Space(cells=(1,)))
