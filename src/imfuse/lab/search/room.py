"""What stands after a stage: chosen such that the stages that follow still have a choice within the budget."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

import torch
from torch import nn

from imfuse.errors import SearchError
from imfuse.lab.search.choices import SearchSpace
from imfuse.lab.search.derive import derive
from imfuse.lab.search.times import Times

G = TypeVar("G")


def derive_with_room(
    space: SearchSpace[G],
    probabilities: Mapping[str, Sequence[float]],
    decided: Collection[str],
    times: Times,
    budget_ms: float | None,
) -> G:
    """The genotype whose picks of some choices are to stand, while the others are still open.

    It is the likeliest whose expected time keeps the budget, over what is open. Otherwise a shape that only the fastest
    operators bring into the budget would do, and the stage of the operators had nothing left to decide. Where there is
    no such genotype, it is that of `derive`.

    Args:
        space: what is searched.
        probabilities: those of the options, for every choice of the space.
        decided: names of the choices that are to stand, and of those that do already.
        times: of all networks.
        budget_ms: highest milliseconds of a whole call; None for any.

    Raises:
        SearchError: no genotype keeps the budget; names the fastest.
    """
    # In 64 bits, because `derive` adds differences of these times and compares their sum; on the CPU, which has them.
    expected = copy.deepcopy(times.expected).cpu() if isinstance(times.expected, nn.Module) else times.expected
    present = {name: torch.tensor(values, dtype=torch.float64) for name, values in probabilities.items()}

    def expected_ms(genotype: G) -> float:
        picks = {name: pick for name, pick in space.picks(genotype).items() if name in decided}
        certain = {name: torch.eye(len(present[name]), dtype=torch.float64)[pick] for name, pick in picks.items()}
        return float(expected({**present, **certain})) + times.overhead_ms

    try:
        return derive(space, probabilities, expected_ms, budget_ms)
    except SearchError:
        return derive(space, probabilities, times.call_ms, budget_ms)
