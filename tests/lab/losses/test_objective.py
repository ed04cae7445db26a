"""Named, weighted terms."""

from __future__ import annotations

import pytest
import torch

from imfuse.errors import RecipeError
from imfuse.lab.losses.objective import LOSSES, Objective


def test_the_total_is_the_weighted_sum_of_the_terms():
    fused, sources = torch.rand(2, 1, 48, 48), torch.rand(2, 2, 48, 48)
    total, terms = Objective({"ssim": 2.0, "correlation": 0.5})(fused, sources)
    torch.testing.assert_close(total, 2 * terms["ssim"] + 0.5 * terms["correlation"])


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_every_loss_is_finite_with_finite_gradients_on_constant_images(name, level):
    fused = torch.full((1, 1, 48, 48), level, requires_grad=True)
    LOSSES[name](fused, torch.full((1, 2, 48, 48), level)).backward()
    assert torch.isfinite(fused.grad).all()


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_falls_when_it_is_minimised(name):
    torch.manual_seed(0)
    sources = torch.rand(1, 2, 48, 48)
    fused = (torch.rand(1, 1, 48, 48) * 0.4 - 0.1).requires_grad_()
    optimiser = torch.optim.Adam([fused], lr=0.02)
    values = []
    for _ in range(15):
        optimiser.zero_grad()
        loss = LOSSES[name](fused, sources)
        loss.backward()
        optimiser.step()
        values.append(loss.item())
    assert values[-1] < values[0]


def test_the_strongest_gradient_of_the_sources_costs_nothing():
    source = torch.rand(1, 1, 16, 16)
    sources = torch.cat([source, torch.zeros_like(source)], dim=1)
    assert LOSSES["max_gradient"](source, sources).item() == 0


def test_an_unknown_loss_is_named_with_the_nearest():
    with pytest.raises(RecipeError, match=r"'sim'.*did you mean 'ssim'"):
        Objective({"sim": 1.0})


def test_an_empty_objective_is_refused():
    with pytest.raises(RecipeError, match="no terms"):
        Objective({})
