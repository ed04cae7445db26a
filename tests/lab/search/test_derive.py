"""Derivation within a budget against brute force, and what it says and refuses."""

from __future__ import annotations

import math
import time
from random import Random
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imfuse.errors import SearchError
from imfuse.lab.nn.genotype import Genotype
from imfuse.lab.search.derive import derive
from imfuse.lab.search.enumeration import combinations
from imfuse.lab.search.increments import Increments
from imfuse.lab.search.parts import parts
from imfuse.lab.search.space import Space

TWO = ("res_3", "dil_3")
SPACES = [
    Space(kinds=("csc",), operators=("res_3",), cells=(1,)),
    Space(kinds=("csc",), operators=("res_3", "dil_3", "conv_3"), slots=3, cells=(1,)),
    Space(kinds=("csc", "cms"), operators=TWO, slots=1, cells=(0, 1, 2), heads=("blend", "pyramid")),
    Space(kinds=("csc", "cdc"), operators=TWO, slots=2, cells=(1,), widths=(8, 4), resolutions=(1, 2, 4)),
    Space(kinds=("csc", "cms"), operators=TWO, slots=1, cells=(1, 3), widths=(8, 4)),
]
RICH = Space(cells=(0, 1, 2, 3), widths=(8, 16, 32, 48), resolutions=(1, 2, 4), heads=("direct", "blend", "pyramid"))


def table(seed: int, largest: int = 9):
    """A latency that is a sum of whole numbers over parts, each by its name, scale and place."""

    def part(*key) -> int:
        return crc32(f"{seed}{key}".encode()) % (largest + 1)

    def latency(genotype: Genotype) -> float:
        scale = (genotype.width, genotype.resolution)
        total = part("stem", scale) + part("head", genotype.head, scale)
        for number, cell in enumerate(genotype.cells):
            total += part("cell", cell.kind, scale)
            total += sum(part(number, cell.kind, slot, name, scale) for slot, name in enumerate(cell.operators))
        return float(total)

    return latency


def of_parts(seed: int, largest: int = 9):
    """A latency that is a sum of whole numbers over the parts of which latencies are measured."""
    return lambda genotype: float(sum(crc32(f"{seed}{part}".encode()) % (largest + 1) for part in parts(genotype)))


def drawn(space: Space, seed: int) -> dict[str, list[float]]:
    """Random probabilities of every option, some of them equal and some zero."""
    random = Random(seed)

    def probabilities(count: int) -> list[float]:
        values = [random.choice([0.0, 0.1, 0.1, random.random()]) for _ in range(count)]
        return values if any(values) else probabilities(count)

    return {choice.name: probabilities(len(choice.options)) for choice in space.choices}


def agreement(space: Space, probabilities, genotype: Genotype) -> float:
    """Sum of log probabilities over all choices, where those left open take their likeliest option."""
    picks = space.picks(genotype)
    chosen = [values[picks[name]] if name in picks else max(values) for name, values in probabilities.items()]
    return sum(math.log(max(value, 2.3e-308)) for value in chosen)


@pytest.mark.parametrize("space", SPACES)
@settings(max_examples=40, deadline=None)
@given(make=st.sampled_from([table, of_parts]), seed=st.integers(0, 10**6), part=st.floats(0, 1))
def test_within_a_budget_it_is_the_likeliest_of_all_genotypes_that_keep_it(space, make, seed, part):
    probabilities, latency = drawn(space, seed), make(seed)
    every = [space.genotype(picks) for picks in combinations(space)]
    low, high = (function(map(latency, every)) for function in (min, max))
    budget = low + part * (high - low)
    found = derive(space, probabilities, latency, budget)
    highest = max(agreement(space, probabilities, one) for one in every if latency(one) <= budget)
    assert latency(found) <= budget
    assert agreement(space, probabilities, found) == pytest.approx(highest, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("space", SPACES)
@given(make=st.sampled_from([table, of_parts]), seed=st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_increments_add_up_to_the_latency_and_find_the_fastest(space, make, seed):
    latency = make(seed)
    increments = Increments(space, latency)
    every = [space.genotype(picks) for picks in combinations(space)]
    for genotype in every:
        picks = space.picks(genotype)
        base, places = increments.shape({name: pick for name, pick in picks.items() if name not in increments.micro})
        assert base + sum(added[picks[place]] for place, added in places.items()) == latency(genotype)
    assert latency(increments.fastest()) == min(map(latency, every))


@pytest.mark.parametrize("space", SPACES)
def test_without_a_budget_or_within_it_every_choice_takes_its_likeliest_option(space):
    probabilities = drawn(space, 7)
    likeliest = space.genotype({name: values.index(max(values)) for name, values in probabilities.items()})
    assert derive(space, probabilities) == likeliest
    assert derive(space, probabilities, table(7), budget_ms=1e9) == likeliest


def test_fewer_cells_are_not_preferred_for_having_fewer_choices():
    space = Space(cells=(1, 3))
    probabilities = {choice.name: [1.0] + [0.9] * (len(choice.options) - 1) for choice in space.choices}
    probabilities["cells"] = [0.45, 0.55]
    two = derive(space, probabilities, lambda genotype: float(str(genotype).count("sep_3")), budget_ms=5.0)
    assert len(two.cells) == 3


def test_tensors_are_probabilities_too():
    torch = pytest.importorskip("torch")
    space = SPACES[1]
    probabilities = {choice.name: torch.tensor([0.2, 0.5, 0.3]) for choice in space.choices}
    assert derive(space, probabilities).cells[0].operators == ("dil_3",) * 3


@pytest.mark.parametrize("part", [0.0, 0.02, 0.2, 0.5])
def test_a_rich_space_takes_seconds_and_its_answer_keeps_the_budget(part):
    random, latency = Random(1), table(1, 10**6)
    probabilities = {choice.name: [1 + 0.1 * random.random() for _ in choice.options] for choice in RICH.choices}
    low = latency(Increments(RICH, latency).fastest())
    budget = low + part * (latency(derive(RICH, probabilities)) - low)
    begin = time.perf_counter()
    found = derive(RICH, probabilities, latency, budget)
    assert time.perf_counter() - begin < 20
    assert low <= latency(found) <= budget


def test_a_budget_that_nothing_keeps_names_the_fastest_and_what_to_do():
    space, latency = SPACES[3], lambda genotype: 5.0 + genotype.width + str(genotype).count("res_3")
    with pytest.raises(
        SearchError, match=r"budget 3 ms.*fastest, 'x1 w4 direct csc\(dil_3 dil_3\)', takes 9 ms.*Raise"
    ):
        derive(space, drawn(space, 1), latency, budget_ms=3)


def test_a_latency_that_is_no_sum_over_parts_is_refused():
    def latency(genotype: Genotype) -> float:
        return {0: 10.0, 1: 9.0, 2: 2.0, 3: 5.0}[str(genotype).count("dil_3")]

    space = SPACES[1]
    probabilities = {choice.name: [0.6, 0.3, 0.1] for choice in space.choices}
    with pytest.raises(ValueError, match="sum over the parts"):
        derive(space, probabilities, latency, budget_ms=7.5)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"cell9.csc.op1": [0.5, 0.5]}, "cell9.csc.op1"),
        ({"width": [1.0]}, "expected 2 finite"),
        ({"width": [0.0, 0.0]}, "not all 0"),
        ({"width": [math.nan, 1.0]}, "expected 2 finite"),
        ({"width": [-0.5, 1.5]}, "expected 2 finite"),
    ],
)
def test_probabilities_that_do_not_fit_the_space_are_refused(change, found):
    space = SPACES[3]
    with pytest.raises(ValueError, match=found):
        derive(space, drawn(space, 1) | change)


def test_missing_probabilities_and_a_budget_without_a_latency_are_refused():
    space = SPACES[3]
    with pytest.raises(ValueError, match=r"check .*'cell1.kind', 'resolution'\]"):
        derive(space, {"width": [0.5, 0.5]})
    with pytest.raises(ValueError, match="without a latency"):
        derive(space, drawn(space, 1), budget_ms=3.0)
