"""Warnings of searches that fell for what is cheapest, or decided nothing."""

from __future__ import annotations

import pytest

from imfuse.lab.nn.genotype import Genotype
from imfuse.lab.search.collapse import collapse, dead, undecided
from imfuse.lab.search.space import Space

SPACE = Space(operators=("res_3", "dil_3", "sep_3"), cells=(0, 2), widths=(8, 16))
COST = {"res_3": 3.0, "dil_3": 1.0, "sep_3": 2.0}


def latency(genotype: Genotype) -> float:
    cells = sum(2.0 + sum(COST[operator] for operator in cell.operators) for cell in genotype.cells)
    return genotype.width / 8 * (1.0 + cells)


def warning(text: str, space: Space = SPACE) -> str | None:
    return collapse(space, Genotype.parse(text), latency)


def test_nothing_but_the_cheapest_operator_is_a_collapse():
    text = warning("x1 w16 direct csc(dil_3 dil_3) cms(dil_3 dil_3)")
    assert text is not None
    assert text.startswith("collapse to the cheapest operator: 4 of 4 are dil_3 (the network takes 18 ms, and 34 ms")
    assert "Where latency.weight is above 0 it may have outweighed the loss: lower it, or raise the budget" in text


@pytest.mark.parametrize(
    ("cells", "warned"),
    [
        ("csc(dil_3 res_3) cms(dil_3 dil_3)", "3 of 4 are dil_3"),
        ("csc(dil_3 res_3) cms(sep_3 dil_3)", None),
        ("csc(sep_3 sep_3) cms(sep_3 sep_3)", None),
    ],
)
def test_one_other_operator_of_four_makes_no_difference_and_two_do(cells, warned):
    text = warning(f"x1 w16 direct {cells}")
    assert warned in text if warned else text is None


def test_one_other_operator_of_two_makes_a_difference():
    space = Space(kinds=("csc",), operators=tuple(COST), cells=(1,))
    assert warning("x1 w48 direct csc(dil_3 res_3)", space) is None
    assert warning("x1 w48 direct csc(dil_3 dil_3)", space) is not None


def test_the_fastest_network_of_the_space_is_a_collapse_without_any_operator():
    text = warning("x1 w8 direct")
    assert text is not None
    assert text.startswith("collapse to the cheapest network of the space: 'x1 w8 direct' (1 ms)")
    assert warning("x1 w16 direct") is None


def test_where_all_operators_cost_the_same_none_is_the_cheapest():
    space = Space(kinds=("csc",), operators=tuple(COST), cells=(1,), widths=(8, 16))
    assert collapse(space, Genotype.parse("x1 w16 direct csc(dil_3 dil_3)"), lambda one: float(one.width)) is None


def test_a_space_of_one_network_cannot_collapse():
    space = Space(kinds=("csc",), operators=("res_3",), cells=(1,))
    assert warning("x1 w48 direct csc(res_3 res_3)", space) is None


@pytest.mark.parametrize(("lead", "warned"), [(0.0, True), (0.04, True), (0.06, False)])
def test_probabilities_near_uniform_decide_nothing(lead, warned):
    third = 1 / 3
    probabilities = {choice.name: [third] * 3 for choice in SPACE.choices if choice.level == "micro"}
    probabilities["cell2.cdc.op1"] = [third - lead, third + lead, third]
    text = undecided(SPACE, probabilities)
    assert (text is not None) == warned
    if text and lead:
        assert "the clearest is dil_3 for cell2.cdc.op1, 0.37 of 3 options" in text
        assert "Search longer, or raise the architecture's learning rate" in text


def test_a_space_without_choices_of_operators_has_nothing_to_decide():
    assert undecided(Space(kinds=("csc",), operators=("res_3",), widths=(8, 16)), {"width": [0.5, 0.5]}) is None


@pytest.mark.parametrize(("lead", "warned"), [(0.04, True), (0.06, False)])
def test_of_the_shape_of_the_network_the_same_is_said(lead, warned):
    space = Space(kinds=("csc",), operators=("res_3", "dil_3"), widths=(8, 16), cells=(1, 2))
    text = undecided(space, {"width": [0.5, 0.5], "cells": [0.5 + lead, 0.5 - lead]}, "macro")
    assert (text is not None) == warned
    if text:
        assert "no option of the network's shape has a clear lead (the clearest is 1 for cells, 0.54 of 2" in text


def test_a_gradient_that_ends_in_silence_is_dead_and_one_that_pauses_is_not():
    assert dead([], 10) is None
    assert dead([0.1, 0.0, 0.0], 10) is None
    assert dead([0.0, 0.0, 0.0, 1e-9], 10) is None
    assert "last 50 updates" in (dead([0.2, *[0.0] * 5], 10) or "")
