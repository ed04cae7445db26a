"""Sampling and mutation through the protocol alone, in a space of words, and in the space of fusion networks."""

from __future__ import annotations

from collections import Counter
from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imfuse.errors import RecipeError
from imfuse.lab.search.choices import Choice, mutate, picked, sample
from imfuse.lab.search.space import Space

BRANCHED = Space(
    kinds=("csc", "cms"), operators=("res_3", "dil_3", "conv_3"), cells=(0, 1, 3), resolutions=(1, 2), widths=(8, 16)
)


class Words:
    """Words of one or two letters; short ones leave the second letter open."""

    choices = (
        Choice("length", ("short", "long"), "macro"),
        Choice("first", ("a", "b", "c"), "micro"),
        Choice("second", ("x", "y", "z", "w"), "micro"),
    )
    size = 15

    def genotype(self, picks):
        letters = [self.choices[1].options[picks["first"]], self.choices[2].options[picks["second"]]]
        return "".join(letters[: picks["length"] + 1])

    def picks(self, genotype):
        picks = {"length": len(genotype) - 1, "first": "abc".index(genotype[0])}
        return picks | ({"second": "xyzw".index(genotype[1])} if len(genotype) == 2 else {})


def shares(draws) -> dict[str, float]:
    counts = Counter(draws)
    return {value: count / counts.total() for value, count in counts.items()}


def test_every_option_of_a_choice_is_sampled_as_often_as_the_others():
    random = Random(0)
    found = shares(sample(Words(), random) for _ in range(6000))
    short, long = dict.fromkeys("abc", 1 / 6), {a + b: 1 / 24 for a, b in product("abc", "xyzw")}
    assert found == pytest.approx(short | long, abs=0.02)


def test_each_choice_that_matters_changes_as_often_as_the_others():
    random = Random(0)
    of_long = {"a": 1 / 3, "bx": 1 / 6, "cx": 1 / 6, "ay": 1 / 9, "az": 1 / 9, "aw": 1 / 9}
    assert shares(mutate(Words(), "ax", random) for _ in range(6000)) == pytest.approx(of_long, abs=0.02)


def test_what_a_change_opens_is_sampled_and_what_does_not_matter_never_changes():
    random = Random(0)
    of_short = {"b": 1 / 4, "c": 1 / 4} | {"a" + second: 1 / 8 for second in "xyzw"}
    assert shares(mutate(Words(), "a", random) for _ in range(6000)) == pytest.approx(of_short, abs=0.02)


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_a_mutant_is_in_the_space_and_differs_by_one_decision(seed):
    random = Random(seed)
    genotype = sample(BRANCHED, random)
    mutant = mutate(BRANCHED, genotype, random)
    before, after = BRANCHED.picks(genotype), BRANCHED.picks(mutant)
    changed = [name for name in before.keys() & after.keys() if before[name] != after[name]]
    assert mutant in BRANCHED
    assert mutant != genotype
    assert len(changed) == 1
    opened = after.keys() - before.keys()
    assert not opened or changed[0] == "cells" or changed[0].endswith(".kind")


def test_mutations_reach_the_whole_space():
    space = Space(kinds=("csc", "cdc"), operators=("res_3", "dil_3"), slots=1, cells=(0, 1, 2))
    genotype, random = sample(space, Random(0)), Random(1)
    reached = set()
    for _ in range(2000):
        genotype = mutate(space, genotype, random)
        reached.add(genotype)
    assert len(reached) == space.size == 1 + 4 + 16


def test_a_space_of_two_gives_the_other_and_a_space_of_one_is_refused():
    pair = Space(kinds=("csc",), operators=("res_3",), cells=(1,), widths=(8, 16))
    first = sample(pair, Random(0))
    second = mutate(pair, first, Random(0))
    assert {first.width, second.width} == {8, 16}
    assert mutate(pair, second, Random(0)) == first
    single = Space(kinds=("csc",), operators=("res_3",), cells=(1,), widths=(8,))
    only = sample(single, Random(0))
    message = r"^search space: 'x1 w8 direct csc\(res_3 res_3\)' is its only genotype; give a field more options$"
    with pytest.raises(RecipeError, match=message):
        mutate(single, only, Random(0))


def test_a_genotype_from_outside_is_not_mutated():
    with pytest.raises(RecipeError, match="outside the search space"):
        mutate(Space(widths=(8,)), sample(Space(widths=(16,)), Random(0)), Random(0))


def test_the_same_seed_gives_the_same_walk():
    def walk(seed):
        random = Random(seed)
        genotypes = [sample(BRANCHED, random)]
        for _ in range(20):
            genotypes.append(mutate(BRANCHED, genotypes[-1], random))
        return genotypes

    assert walk(3) == walk(3) != walk(4)


@pytest.mark.parametrize(("picks", "found"), [({}, "no pick"), ({"width": 2}, "pick 2"), ({"width": -1}, "pick -1")])
def test_a_missing_or_impossible_pick_is_named(picks, found):
    message = rf"^search space: {found} for 'width'; expected 0 to 1 for \(8, 16\)$"
    with pytest.raises(RecipeError, match=message):
        picked("width", (8, 16), picks)
