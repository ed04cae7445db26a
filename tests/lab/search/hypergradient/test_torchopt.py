"""Implicit and unrolled gradients against TorchOpt, on a logistic regression whose architecture scales its inputs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imfuse.lab.search.hypergradient import Bilevel, Tensors, hypergradient

torchopt: Any = pytest.importorskip("torchopt")
pytestmark = pytest.mark.filterwarnings("ignore:.*functorch:FutureWarning")  # by which TorchOpt calls torch.func

RATE = 0.4


class Scaled(nn.Module):
    """Logistic regression of scaled inputs."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight.clone()), nn.Parameter(bias.clone())

    def forward(self, inputs: Tensor, scales: Tensor) -> Tensor:
        return inputs * scales.exp() @ self.weight + self.bias


@pytest.fixture(scope="module")
def data() -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(2, 24, 4, generator=generator, dtype=torch.double)
    labels = (inputs[..., 0] - inputs[..., 1] + torch.randn(2, 24, generator=generator) > 0).double()
    return list(zip(inputs, labels, strict=True))


@pytest.fixture(scope="module")
def problem(data: list[tuple[Tensor, Tensor]]) -> Bilevel:
    def logistic(theta: Tensors, alpha: Tensors, inputs: Tensor, labels: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(inputs * alpha[0].exp() @ theta[0] + theta[1], labels)

    def inner(theta: Tensors, alpha: Tensors) -> Tensor:
        return logistic(theta, alpha, *data[0]) + 0.05 * (theta[0].square().sum() + theta[1].square())

    def outer(theta: Tensors, alpha: Tensors) -> Tensor:
        return logistic(theta, alpha, *data[1]) + 0.1 * alpha[0].sum()

    weights = (torch.zeros(4, dtype=torch.double), torch.zeros((), dtype=torch.double))
    architecture = (torch.linspace(-0.5, 0.5, 4, dtype=torch.double),)
    return Bilevel(inner, outer, optimum(inner, weights, architecture), architecture)


def optimum(inner: Any, weights: Tensors, architecture: Tensors) -> Tensors:
    for _ in range(300):
        moving = tuple(part.detach().requires_grad_() for part in weights)
        slopes = torch.autograd.grad(inner(moving, architecture), moving)
        weights = tuple(part.detach() - RATE * slope for part, slope in zip(moving, slopes, strict=True))
    return weights


def implicit_of_torchopt(problem: Bilevel, solve: Any) -> Tensor:
    def stationary(theta: Tensors, alpha: Tensor) -> Tensors:
        return torch.func.grad(lambda point: problem.inner(point, (alpha,)))(theta)

    @torchopt.diff.implicit.custom_root(stationary, argnums=1, solve=solve)
    def solution(theta: Tensors, alpha: Tensor) -> Tensors:
        return theta

    alpha = problem.architecture[0].clone().requires_grad_()
    theta = solution(problem.weights, alpha)
    return torch.autograd.grad(problem.outer(theta, (alpha,)), alpha)[0]


def test_conjugate_gradients_are_those_of_torchopt(problem):
    for iterations in (2, 20):
        solve = torchopt.linear_solve.solve_cg(maxiter=iterations, rtol=1e-12)
        found = hypergradient("conjugate_gradient", problem, iterations=iterations, tolerance=1e-12).architecture[0]
        torch.testing.assert_close(found, implicit_of_torchopt(problem, solve), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("terms", [2, 10])
def test_the_neumann_series_is_that_of_torchopt(problem, terms):
    solve = torchopt.linear_solve.solve_inv(ns=True, maxiter=terms - 1, alpha=RATE)  # it counts those after the first
    found = hypergradient("neumann", problem, rate=RATE, terms=terms).architecture[0]
    torch.testing.assert_close(found, implicit_of_torchopt(problem, solve), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 5])
def test_unrolled_steps_are_those_of_torchopt(problem, steps):
    start = tuple(part + 0.3 for part in problem.weights)
    network = Scaled(*start)
    optimiser = torchopt.MetaSGD(network, lr=RATE)
    alpha = problem.architecture[0].clone().requires_grad_()
    for _ in range(steps):
        optimiser.step(problem.inner((network.weight, network.bias), (alpha,)))
    (expected,) = torch.autograd.grad(problem.outer((network.weight, network.bias), (alpha,)), alpha)
    moved = Bilevel(problem.inner, problem.outer, start, problem.architecture)
    found = hypergradient("unrolled", moved, rate=RATE, steps=steps).architecture[0]
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-13)
