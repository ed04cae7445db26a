"""The space of HAF's networks: its parts' choices by name, the genotypes that they give, and all of them counted."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from imfuse.errors import RecipeError
from imfuse.lab.models.haf import READING
from imfuse.lab.nn.haf_genotype import HAFGenotype
from imfuse.lab.search.choices import mutate, sample
from imfuse.lab.search.haf_space import HAFSpace

SMALL = HAFSpace(
    kinds=("csc", "cms"),
    operators=("res_3", "dil_3"),
    slots=1,
    ffm=(1,),
    target=(0, 1),
    detail=(1,),
    widths=(8, 16),
)


def test_the_choices_of_each_part_carry_its_name():
    found = {choice.name: (choice.options, choice.level) for choice in SMALL.choices}
    kinds, operators = (("csc", "cms"), "macro"), (("res_3", "dil_3"), "micro")
    assert found == {
        "width": ((8, 16), "macro"),
        "ffm.cell1.kind": kinds,
        "ffm.cell1.csc.op1": operators,
        "ffm.cell1.cms.op1": operators,
        "target.cells": ((0, 1), "macro"),
        "target.cell1.kind": kinds,
        "target.cell1.csc.op1": operators,
        "target.cell1.cms.op1": operators,
        "detail.cell1.kind": kinds,
        "detail.cell1.csc.op1": operators,
        "detail.cell1.cms.op1": operators,
    }


def test_its_size_is_the_number_of_genotypes_that_all_picks_give():
    names = [choice.name for choice in SMALL.choices]
    options = (range(len(choice.options)) for choice in SMALL.choices)
    genotypes = {SMALL.genotype(dict(zip(names, picks, strict=True))) for picks in product(*options)}
    assert len(genotypes) == SMALL.size == 2 * 4 * (1 + 4) * 4
    assert all(SMALL.genotype(SMALL.picks(genotype)) == genotype for genotype in genotypes)
    assert all(HAFGenotype.parse(str(genotype)) == genotype for genotype in genotypes)


def test_picks_are_of_what_a_genotype_decides():
    picks = SMALL.picks(HAFGenotype.parse("w16 ffm cms(dil_3) target detail csc(res_3)"))
    expected = {"width": 1, "ffm.cell1.kind": 1, "ffm.cell1.cms.op1": 1, "target.cells": 0}
    assert picks == {**expected, "detail.cell1.kind": 0, "detail.cell1.csc.op1": 0}


def test_the_space_of_the_paper_holds_the_default_network():
    space = HAFSpace()
    assert HAFGenotype.parse(READING) in space
    assert space.size == (3 * 10**2) ** 6


def test_samples_lie_in_the_space_and_a_mutation_changes_one_decision():
    random = Random(0)
    genotypes = [sample(SMALL, random) for _ in range(200)]
    assert all(genotype in SMALL for genotype in genotypes)
    assert len(set(genotypes)) > 60
    for genotype in genotypes:
        other = mutate(SMALL, genotype, random)
        before, after = SMALL.picks(genotype), SMALL.picks(other)
        assert other != genotype
        assert sum(before[name] != after[name] for name in before.keys() & after.keys()) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kinds": ("csa",)}, "^search space: kinds has 'csa'"),
        ({"widths": (7,)}, "^search space: widths has 7; expected even"),
        ({"target": ()}, r"^target: search space: cells is \(\)"),
        ({"detail": (-1,)}, "^detail: search space: cells has -1"),
    ],
)
def test_what_is_no_space_is_refused(options, message):
    with pytest.raises(RecipeError, match=message):
        HAFSpace(**options)


def test_what_lies_outside_is_told_with_its_part():
    width = HAFGenotype.parse("w32 ffm cms(dil_3) target detail csc(res_3)")
    operator = HAFGenotype.parse("w8 ffm cms(dil_3) target csc(sep_3) detail csc(res_3)")
    with pytest.raises(RecipeError, match=r"width 32; expected one of \(8, 16\)"):
        SMALL.picks(width)
    with pytest.raises(RecipeError, match=r"^target: .* cell1\.csc\.op1 sep_3; expected one of"):
        SMALL.picks(operator)
    assert width not in SMALL
    assert operator not in SMALL
    with pytest.raises(RecipeError, match=r"^ffm: .*no pick for 'cell1\.kind'"):
        SMALL.genotype({"width": 0})
