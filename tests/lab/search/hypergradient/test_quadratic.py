"""Gauss-Newton on two parabolas: L = (theta - alpha)^2 / 2, L_a = (theta - 1)^2 / 2, whose dF / dalpha is alpha - 1."""

from __future__ import annotations

import pytest
import torch

from imfuse.lab.search.hypergradient import HYPERGRADIENTS, Bilevel, hypergradient

POINTS = [(3.0, 0.1), (3.0, -0.1), (-2.0, 0.3), (0.5, 0.01)]
"""alpha, and how far theta is from the inner optimum, which is alpha."""


def parabolas(alpha: float, away: float) -> Bilevel:
    point = torch.tensor([alpha, alpha + away], dtype=torch.double)
    return Bilevel(
        inner=lambda theta, alpha: (theta[0] - alpha[0]).square() / 2,
        outer=lambda theta, alpha: (theta[0] - 1).square() / 2,
        weights=(point[1],),
        architecture=(point[0],),
    )


@pytest.mark.parametrize(("alpha", "away"), POINTS)
def test_near_the_optimum_it_is_the_true_gradient_at_the_weights(alpha, away):
    found = hypergradient("gauss_newton", parabolas(alpha, away)).architecture[0].item()
    assert found == pytest.approx(alpha + away - 1, rel=1e-6)


@pytest.mark.parametrize(("alpha", "away"), POINTS)
def test_the_correction_goes_towards_the_true_gradient(alpha, away):
    problem, true = parabolas(alpha, away), alpha - 1
    direct = hypergradient("first_order", problem).architecture[0].item()
    correction = hypergradient("gauss_newton", problem).architecture[0].item() - direct
    added = direct - correction  # the sign of the published program
    assert abs(direct + correction - true) == pytest.approx(abs(away))
    assert abs(direct + correction - true) < abs(direct - true) < abs(added - true)


@pytest.mark.parametrize(("eps", "share"), [(1e-12, 1.0), (0.01, 0.5), (1.0, 0.01 / 1.01)])
def test_eps_fades_the_correction_in_the_unit_of_a_squared_gradient(eps, share):
    found = hypergradient("gauss_newton", parabolas(3.0, 0.1), eps=eps).architecture[0].item()
    assert found == pytest.approx(2.1 * share, rel=1e-6)


def test_at_the_optimum_itself_nothing_is_left_but_the_first_order():
    found = hypergradient("gauss_newton", parabolas(3.0, 0.0))
    assert found.architecture[0].item() == 0
    assert hypergradient("conjugate_gradient", parabolas(3.0, 0.0)).architecture[0].item() == pytest.approx(2)


@pytest.mark.parametrize("name", HYPERGRADIENTS)
def test_the_losses_are_those_at_the_point(name):
    options = {"rate": 0.5} if name in ("neumann", "unrolled") else {}
    found = hypergradient(name, parabolas(3.0, 0.2), **options)
    theta = 3.1 if name == "unrolled" else 3.2  # which is half a step nearer when L_a is measured
    assert found.outer.item() == pytest.approx((theta - 1) ** 2 / 2)
    assert found.inner.item() == pytest.approx(0.2**2 / 2)
    assert not found.outer.requires_grad
    assert not found.inner.requires_grad


def test_conjugate_gradients_stop_where_the_curvature_is_not_positive():
    signs = torch.tensor([2.0, -1.0], dtype=torch.double)
    saddle = Bilevel(
        inner=lambda theta, alpha: (signs * (theta[0] - alpha[0]).square()).sum() / 2,
        outer=lambda theta, alpha: (theta[0] * torch.tensor([3.0, 1.0])).sum(),
        weights=(torch.zeros(2, dtype=torch.double),),
        architecture=(torch.zeros(2, dtype=torch.double),),
    )
    # The first direction is (3, 1) with curvature 17; the second has a negative one. v = 10 / 17 (3, 1).
    found = hypergradient("conjugate_gradient", saddle).architecture[0]
    torch.testing.assert_close(found, 10 / 17 * torch.tensor([6.0, -1.0], dtype=torch.double))
    damped = hypergradient("conjugate_gradient", saddle, damping=3.0).architecture[0]
    torch.testing.assert_close(damped, torch.tensor([2 * 3 / 5, -1 / 2], dtype=torch.double))


def test_a_first_direction_without_curvature_leaves_the_first_order():
    flat = Bilevel(
        inner=lambda theta, alpha: theta[0] * alpha[0],
        outer=lambda theta, alpha: theta[0] + alpha[0].square(),
        weights=(torch.tensor(1.0),),
        architecture=(torch.tensor(3.0),),
    )
    assert hypergradient("conjugate_gradient", flat).architecture[0].item() == 6
