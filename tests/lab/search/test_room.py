"""What stands after a stage leaves the next one a choice."""

from __future__ import annotations

import pytest
import torch

from imfuse.errors import SearchError
from imfuse.lab.search.room import derive_with_room
from imfuse.lab.search.space import Space
from imfuse.lab.search.times import Times

SPACE = Space(("csc",), ("conv_3", "dil_3"), 2, cells=(1,), widths=(2, 4, 8))
OPERATORS, WIDTHS = torch.tensor([1.0, 5.0], dtype=torch.double), torch.tensor([1.0, 2.0, 4.0], dtype=torch.double)
UNIFORM = {"cell1.csc.op1": [0.5, 0.5], "cell1.csc.op2": [0.5, 0.5]}


def expected(probabilities):
    operators = sum((probabilities[name] * OPERATORS).sum() for name in UNIFORM)
    return (probabilities["width"] * WIDTHS).sum() * operators


def network_ms(genotype):
    picks = SPACE.picks(genotype)
    return float(WIDTHS[picks["width"]]) * sum(float(OPERATORS[picks[name]]) for name in UNIFORM)


TIMES = Times(network_ms, expected, 1.0)


@pytest.mark.parametrize(
    ("budget", "width"),
    [
        (None, 8),
        (25.0, 8),  # 4 (3 + 3) + 1 on average
        (24.0, 4),  # though width 8 with the fastest operators takes 9
        (12.9, 2),
        (7.0, 2),
        (6.9, 4),  # the average of no width keeps it; the fastest operators of width 4 do, with 5
        (4.9, 2),
    ],
)
def test_the_widest_network_stands_whose_average_keeps_the_budget(budget, width):
    probabilities = {"width": [0.2, 0.3, 0.5], **UNIFORM}
    assert derive_with_room(SPACE, probabilities, {"width"}, TIMES, budget).width == width


def test_what_is_decided_counts_as_it_is():
    probabilities = {"width": [0.2, 0.3, 0.5], "cell1.csc.op1": [0.1, 0.9], "cell1.csc.op2": [0.5, 0.5]}
    found = derive_with_room(SPACE, probabilities, {"width", "cell1.csc.op1"}, TIMES, 17.0)
    assert (found.width, found.cells[0].operators[0]) == (4, "dil_3")


def test_no_network_within_the_budget_names_the_fastest():
    with pytest.raises(SearchError, match=r"budget 2\.5 ms: .*'x1 w2 direct csc\(conv_3 conv_3\)', takes 3 ms"):
        derive_with_room(SPACE, {"width": [0.2, 0.3, 0.5], **UNIFORM}, {"width"}, TIMES, 2.5)
