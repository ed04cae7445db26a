"""Cycle consistency and identity."""

from __future__ import annotations

import pytest
import torch

from imfuse.lab.losses.cycle import CycleConsistencyLoss, IdentityLoss, cycle_consistency_loss, identity_loss

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
    assert torch.autograd.gradcheck(lambda a, b: identity_loss(X, Y, lambda x: a * x, lambda y: b * y), (there, back))


@pytest.mark.parametrize(
    ("function", "module"), [(cycle_consistency_loss, CycleConsistencyLoss), (identity_loss, IdentityLoss)]
)
def test_reductions_agree_and_the_modules_are_the_functions(function, module):
    each = module("none")(X, Y[:2], negative, darker)
    assert each.shape == X.shape
    torch.testing.assert_close(module()(X, Y[:2], negative, darker), each.mean())
    torch.testing.assert_close(function(X, Y[:2], negative, darker, "sum"), each.sum())
    with pytest.raises(ValueError, match=r"x \(2, 1, 8, 8\), y \(3, 1, 8, 8\): reduction none expected one shape"):
        function(X, Y, negative, darker, "none")
    with pytest.raises(ValueError, match="expected mean, sum or none"):
        function(X, Y, negative, darker, "median")


@pytest.mark.parametrize("function", [cycle_consistency_loss, identity_loss])
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 1, 1, 5), (1, 1, 5, 1)])
def test_equal_and_thin_images_have_finite_values_and_gradients(function, shape):
    x, y = torch.zeros(shape, requires_grad=True), torch.ones(shape, requires_grad=True)
    loss = function(x, y, negative, negative)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(x.grad).all()
    assert torch.isfinite(y.grad).all()


@pytest.mark.parametrize("function", [cycle_consistency_loss, identity_loss])
def test_they_compile_whole_and_stay_finite_in_half_precision(function):
    expected = function(X, Y, negative, darker)
    compiled = torch.compile(function, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(X, Y, negative, darker), expected)
    half = function(X.bfloat16(), Y.bfloat16(), negative, darker)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.double(), expected, rtol=0.02, atol=0)
    network = torch.nn.Conv2d(1, 1, 3, padding=1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.isfinite(function(X.float(), Y.float(), network, network))
