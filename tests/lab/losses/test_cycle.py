"""Cycle consistency and identity."""

from __future__ import annotations

import pytest
import torch

from imfuse.lab.losses.cycle import cycle_consistency_loss, identity_loss

X = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.double)
Y = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.double)


def negative(images: torch.Tensor) -> torch.Tensor:
    return 1 - images


def darker(images: torch.Tensor) -> torch.Tensor:
    return images - 0.25


def test_what_undoes_itself_costs_nothing():
    assert cycle_consistency_loss(X, Y, negative, negative).item() == pytest.approx(0, abs=1e-12)


def test_what_is_lost_in_each_cycle_is_added():
    assert cycle_consistency_loss(X, Y, darker, darker).item() == pytest.approx(1)


def test_identity_measures_what_happens_to_images_of_the_wanted_kind():
    expected = (1 - 2 * Y).abs().mean() + 0.25
    torch.testing.assert_close(identity_loss(X, Y, negative, darker), expected)
    assert identity_loss(X, Y, lambda x: x, lambda x: x).item() == 0


def test_the_gradient_reaches_both_translations():
    there, back = (torch.tensor(value, dtype=torch.double, requires_grad=True) for value in (1.1, 0.8))
    assert torch.autograd.gradcheck(
        lambda a, b: cycle_consistency_loss(X, Y, lambda x: a * x, lambda y: b * y), (there, back)
    )
