"""Combinations against the product of all picks."""

from __future__ import annotations

from itertools import product

import pytest

from imfuse.lab.search.enumeration import combinations, completed, decided_picks
from imfuse.lab.search.space import Space

SPACES = [
    Space(kinds=("csc",), operators=("res_3",), cells=(0,)),
    Space(kinds=("csc",), operators=("res_3",), slots=3, cells=(1, 2)),
    Space(kinds=("csc", "cms"), operators=("res_3", "dil_3"), slots=1, cells=(2, 0, 1), heads=("blend", "pyramid")),
    Space(kinds=("csc", "cdc"), operators=("res_3", "dil_3"), cells=(0, 1), widths=(8, 4), resolutions=(1, 2)),
]


@pytest.mark.parametrize("space", SPACES)
def test_every_genotype_comes_once_by_the_picks_that_it_decides(space):
    names = [choice.name for choice in space.choices]
    every = product(*(range(len(choice.options)) for choice in space.choices))
    expected = {space.genotype(dict(zip(names, picks, strict=True))) for picks in every}
    found = list(combinations(space))
    genotypes = [space.genotype(picks) for picks in found]
    assert len(genotypes) == len(set(genotypes)) == space.size
    assert set(genotypes) == expected
    assert all(space.picks(genotype) == picks for genotype, picks in zip(genotypes, found, strict=True))


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("level", ["macro", "micro"])
def test_a_level_alone_gives_the_picks_of_that_level(space, level):
    names = {choice.name for choice in space.choices if choice.level == level}
    found = list(combinations(space, level))
    assert len(found) == len({tuple(picks.items()) for picks in found})
    assert all(set(picks) == set(decided_picks(space, picks)) & names for picks in found)
    if level == "macro":
        shapes = {tuple((n, p) for n, p in picks.items() if n in names) for picks in combinations(space)}
        assert {tuple(picks.items()) for picks in found} == shapes


def test_what_is_not_picked_takes_the_first_option():
    space = SPACES[3]
    assert completed(space, {"width": 1})["width"] == 1
    assert set(completed(space, {}).values()) == {0}
