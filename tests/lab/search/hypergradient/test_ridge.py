"""Ridge regression, whose weights and hypergradient are closed forms. Its architecture: the log of the L2 weights.

L = |X w - y|^2 / 2n + sum exp(alpha) w^2 / 2, L_a = |X' w - y'|^2 / 2n + kappa |alpha|^2 / 2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from imfuse.lab.search.hypergradient import Bilevel, hypergradient

COUNT, FEATURES, KAPPA = 30, 6, 0.1
Array = NDArray[np.float64]


class Ridge(NamedTuple):
    x: Array
    y: Array
    x_outer: Array
    y_outer: Array
    alpha: Array

    @property
    def hessian(self) -> Array:
        return self.x.T @ self.x / COUNT + np.diag(np.exp(self.alpha))

    @property
    def optimum(self) -> Array:
        return np.linalg.solve(self.hessian, self.x.T @ self.y / COUNT)

    @property
    def rate(self) -> float:
        return 1 / np.linalg.eigvalsh(self.hessian)[-1]

    def outer_gradient(self, weights: Array) -> Array:
        return self.x_outer.T @ (self.x_outer @ weights - self.y_outer) / COUNT

    def mixed(self, weights: Array) -> Array:
        """d2L / dw dalpha, which is diagonal."""
        return np.exp(self.alpha) * weights

    def implicit(self) -> Array:
        solved = np.linalg.solve(self.hessian, self.outer_gradient(self.optimum))
        return KAPPA * self.alpha - self.mixed(self.optimum) * solved

    def problem(self, weights: Array) -> Bilevel:
        x, y, x_outer, y_outer = (torch.from_numpy(part) for part in self[:4])
        return Bilevel(
            inner=lambda w, alpha: (
                (x @ torch.cat(w) - y).square().mean() / 2 + (alpha[0].exp() * torch.cat(w).square()).sum() / 2
            ),
            outer=lambda w, alpha: (
                (x_outer @ torch.cat(w) - y_outer).square().mean() / 2 + KAPPA / 2 * alpha[0].square().sum()
            ),
            weights=tuple(torch.from_numpy(weights).split([2, FEATURES - 2])),
            architecture=(torch.from_numpy(self.alpha),),
        )


@pytest.fixture
def ridge() -> Ridge:
    random = np.random.default_rng(0)
    true = random.normal(size=FEATURES)
    x, x_outer = random.normal(size=(2, COUNT, FEATURES))
    y, y_outer = x @ true + random.normal(size=COUNT), x_outer @ true + random.normal(size=COUNT)
    return Ridge(x, y, x_outer, y_outer, random.normal(size=FEATURES) - 1)


def found(name: str, problem: Bilevel, **options: float) -> Array:
    return hypergradient(name, problem, **options).architecture[0].numpy()


def test_the_closed_form_is_the_slope_of_the_outer_loss_along_the_optimum(ridge):
    def outer(alpha: Array) -> float:
        moved = ridge._replace(alpha=alpha)
        residual = ridge.x_outer @ moved.optimum - ridge.y_outer
        return (residual**2).mean() / 2 + KAPPA / 2 * (alpha**2).sum()

    steps = 1e-5 * np.eye(FEATURES)
    slopes = [(outer(ridge.alpha + step) - outer(ridge.alpha - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(ridge.implicit(), slopes, atol=1e-8)


def test_first_order_sees_the_direct_part_alone(ridge):
    np.testing.assert_allclose(found("first_order", ridge.problem(ridge.optimum)), KAPPA * ridge.alpha)


def test_conjugate_gradients_of_as_many_iterations_as_weights_are_exact(ridge):
    problem = ridge.problem(ridge.optimum)
    exact = found("conjugate_gradient", problem, iterations=FEATURES, tolerance=0.0)
    np.testing.assert_allclose(exact, ridge.implicit(), atol=1e-10)
    assert np.abs(found("conjugate_gradient", problem, iterations=2) - exact).max() > 1e-3
    assert np.abs(found("conjugate_gradient", problem, tolerance=0.5) - exact).max() > 1e-3


def test_damping_is_added_to_the_hessian(ridge):
    damped = ridge.hessian + 0.7 * np.eye(FEATURES)
    solved = np.linalg.solve(damped, ridge.outer_gradient(ridge.optimum))
    expected = KAPPA * ridge.alpha - ridge.mixed(ridge.optimum) * solved
    np.testing.assert_allclose(
        found("conjugate_gradient", ridge.problem(ridge.optimum), damping=0.7), expected, atol=1e-6
    )


def test_the_neumann_series_adds_its_terms_and_reaches_the_implicit_gradient(ridge):
    problem, gradient = ridge.problem(ridge.optimum), ridge.outer_gradient(ridge.optimum)
    step = np.eye(FEATURES) - ridge.rate * ridge.hessian
    for terms in (1, 3):
        series = ridge.rate * sum(np.linalg.matrix_power(step, i) @ gradient for i in range(terms))
        expected = KAPPA * ridge.alpha - ridge.mixed(ridge.optimum) * series
        np.testing.assert_allclose(found("neumann", problem, rate=ridge.rate, terms=terms), expected, atol=1e-12)
    np.testing.assert_allclose(
        found("neumann", problem, rate=ridge.rate, terms=300), ridge.implicit(), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("steps", [1, 4])
def test_unrolled_steps_have_the_derivative_of_descent_by_hand(ridge, steps):
    weights, derivative = np.ones(FEATURES), np.zeros((FEATURES, FEATURES))
    for _ in range(steps):
        slope = ridge.hessian @ derivative + np.diag(ridge.mixed(weights))
        weights = weights - ridge.rate * (ridge.hessian @ weights - ridge.x.T @ ridge.y / COUNT)
        derivative = derivative - ridge.rate * slope
    expected = KAPPA * ridge.alpha + derivative.T @ ridge.outer_gradient(weights)
    unrolled = found("unrolled", ridge.problem(np.ones(FEATURES)), rate=ridge.rate, steps=steps)
    np.testing.assert_allclose(unrolled, expected, atol=1e-12)


def test_unrolled_steps_come_nearer_and_nearer_to_the_implicit_gradient(ridge):
    problem, exact = ridge.problem(np.zeros(FEATURES)), ridge.implicit()
    errors = [
        np.abs(found("unrolled", problem, rate=ridge.rate, steps=steps) - exact).max() for steps in (1, 10, 100, 300)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-6


def test_at_the_optimum_unrolled_steps_are_terms_of_the_neumann_series(ridge):
    problem = ridge.problem(ridge.optimum)
    np.testing.assert_allclose(
        found("unrolled", problem, rate=ridge.rate, steps=5),
        found("neumann", problem, rate=ridge.rate, terms=5),
        atol=1e-12,
    )


def test_gauss_newton_is_its_formula(ridge):
    weights = ridge.optimum + 0.1
    inner, outer = ridge.hessian @ weights - ridge.x.T @ ridge.y / COUNT, ridge.outer_gradient(weights)
    of_architecture = np.exp(ridge.alpha) * weights**2 / 2
    expected = KAPPA * ridge.alpha - inner @ outer / (inner @ inner + 0.01) * of_architecture
    np.testing.assert_allclose(found("gauss_newton", ridge.problem(weights), eps=0.01), expected, atol=1e-12)
