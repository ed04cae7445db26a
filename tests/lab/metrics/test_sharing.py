"""Metrics of the same images share work, and have the same values as without."""

from __future__ import annotations

import gc

import pytest
import torch

from imfuse.errors import MetricError
from imfuse.lab.metrics import functional
from imfuse.lab.metrics.functional import _sharing, gradient_transfer, shared_work
from imfuse.lab.metrics.registry import METRICS

COLUMNS = [
    (name, convention)
    for name, metric in METRICS.items()
    if metric.inputs != "colour" and name != "LPIPS"
    for convention in metric.conventions
]


def images(seed: int, count: int) -> torch.Tensor:
    return torch.rand(2, count, 40, 48, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("to_type", [torch.Tensor.double, lambda image: (image * 255).to(torch.uint8)])
def test_every_metric_has_the_value_that_it_has_alone(to_type):
    fused, sources = to_type(images(0, 1)), to_type(images(1, 2))
    alone = [METRICS[name](fused, sources, convention) for name, convention in COLUMNS]
    with shared_work():
        together = [METRICS[name](fused, sources, convention) for name, convention in COLUMNS]
        again = [METRICS[name](fused, sources, convention) for name, convention in COLUMNS]
    torch.testing.assert_close(together, alone, rtol=0, atol=0)
    torch.testing.assert_close(again, alone, rtol=0, atol=0)


def test_edges_are_computed_once(monkeypatch):
    calls, strength = [], gradient_transfer._strength
    monkeypatch.setattr(gradient_transfer, "_strength", lambda gx, gy: calls.append(1) or strength(gx, gy))
    fused, sources = images(0, 1), images(1, 2)
    with shared_work():
        for metric in (functional.edge_transfer, functional.edge_loss, functional.edge_artefacts):
            metric(fused, sources)
        assert len(calls) == 3  # of the fused image and of two sources
        functional.edge_transfer(fused, sources.clone())
        assert len(calls) == 6
    functional.edge_transfer(fused, sources)
    assert len(calls) == 9


def test_no_images_are_taken_for_others_that_are_gone():
    sources = images(1, 2)
    with shared_work():
        values = []
        for seed in range(20):
            values.append(functional.edge_transfer(images(seed, 1), sources))
            gc.collect()
    expected = [functional.edge_transfer(images(seed, 1), sources) for seed in range(20)]
    torch.testing.assert_close(values, expected, rtol=0, atol=0)


def test_nothing_is_kept_after_the_end_nor_after_an_error():
    with pytest.raises(MetricError), shared_work():
        functional.edge_transfer(images(0, 1), images(1, 1))
    assert _sharing._memory.get() is None


def test_gradients_flow_through_what_is_shared():
    fused, sources = images(0, 1).requires_grad_(), images(1, 2)
    alone = torch.autograd.grad(functional.edge_transfer(fused, sources).sum(), fused)
    with shared_work():
        functional.edge_loss(fused, sources)
        together = torch.autograd.grad(functional.edge_transfer(fused, sources).sum(), fused)
    torch.testing.assert_close(together, alone)
