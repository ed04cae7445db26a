"""The price of time: of all of it, or of what lies above a budget."""

from __future__ import annotations

import pytest
import torch

from imfuse.lab.search.penalty import TimePenalty


def expected(probabilities):
    return (probabilities["width"] * torch.tensor([2.0, 6.0])).sum()


@pytest.mark.parametrize(
    ("logits", "budget", "counted"),
    [((0.0, 0.0), None, 5.0), ((0.0, 0.0), 3.0, 2.0), ((0.0, 0.0), 5.5, 0.0)],
)
def test_the_expected_call_costs_its_weight_and_pulls_at_the_logits_where_it_costs_anything(logits, budget, counted):
    point = torch.tensor(logits, requires_grad=True)
    added, milliseconds = TimePenalty(expected, 1.0, 0.5, budget)({"width": point.softmax(0)})
    assert (added.item(), milliseconds.item()) == pytest.approx((0.5 * counted, 5.0))
    added.backward()
    assert point.grad is not None
    # d/dlogit of p1 2 + p2 6 at p = 1/2 is +-1; half of it by the weight.
    assert point.grad.tolist() == pytest.approx([-0.5, 0.5] if counted else [0.0, 0.0])
