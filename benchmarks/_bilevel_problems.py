"""Bilevel problems on which hypergradients are compared, and the exact hypergradient of the small ones."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imfuse.lab.search.hypergradient import Bilevel, Loss, Tensors, module_loss
from imfuse.lab.search.hypergradient.derivatives import SecondDerivatives
from imfuse.lab.search.hypergradient.implicit import Product, implicit
from imfuse.lab.search.hypergradient.problem import add_scaled, inner_product

RIDGE = 1e-2
IMAGES = 64
BATCH = 8
KINDS = ((3, 1), (3, 2), (1, 1))
"""Size and dilation of the convolutions that a layer mixes."""


class MixedConvolutions(nn.Module):
    """Two layers, each a softmax mixture of convolutions, from two images to one."""

    def __init__(self, channels: int = 2) -> None:
        super().__init__()
        self.mixing = nn.Parameter(0.5 * torch.randn(2, len(KINDS)))
        self.first = _convolutions(2, channels)
        self.second = _convolutions(channels, 1)

    def forward(self, sources: Tensor) -> Tensor:
        """From `(b, 2, h, w)` to `(b, 1, h, w)`."""
        mixing = self.mixing.softmax(1)
        hidden = torch.tanh(_mixture(self.first, mixing[0], sources))
        return _mixture(self.second, mixing[1], hidden)


class Problem(NamedTuple):
    """Losses over all images, at whose inner optimum the weights are, and the same over batches of them."""

    whole: Bilevel
    batches: list[Bilevel]


def convolutional_problem(
    seed: int, iterations: int = 100, dtype: torch.dtype = torch.float64, device: str = "cpu"
) -> Problem:
    """123 weights that join two 8x8 images into their maximum, by a mean square and a small ridge; six mixing weights.

    Args:
        seed: of the images and the first weights.
        iterations: of L-BFGS on the inner loss, which decides how near its optimum the weights are.
        dtype: of all tensors.
        device: where they are.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = MixedConvolutions().to(device, dtype)
        training, validation = (_images().to(device, dtype) for _ in range(2))
    names = [name for name, _ in network.named_parameters() if name != "mixing"]
    first = tuple(network.get_parameter(name).detach().clone() for name in names)
    architecture = (network.mixing.detach().clone(),)
    weights = descended(_inner(network, names, training), first, architecture, iterations)

    def bilevel(training: Tensor, validation: Tensor) -> Bilevel:
        inner, outer = _inner(network, names, training), _fit(network, names, validation)
        return Bilevel(inner, outer, weights, architecture)

    parts = zip(training.split(BATCH), validation.split(BATCH), strict=True)
    return Problem(bilevel(training, validation), [bilevel(*part) for part in parts])


def exact_hypergradient(problem: Bilevel) -> Tensors:
    """The implicit gradient at the weights of a small problem, by its whole Hessian: n products and one solution."""
    return implicit(problem, solve_whole).architecture


def solve_whole(product: Product, right: Tensors) -> Tensors:
    """V of H v = right, with H put together column by column."""
    sizes = [part.numel() for part in right]

    def shaped(vector: Tensor) -> Tensors:
        return tuple(part.view_as(like) for part, like in zip(vector.split(sizes), right, strict=True))

    flat = torch.cat([part.flatten() for part in right])
    columns = [torch.cat([part.flatten() for part in product(shaped(unit))]) for unit in torch.eye(len(flat)).to(flat)]
    return shaped(torch.linalg.solve(torch.stack(columns, dim=1), flat))


def steepest_curvature(problem: Bilevel, iterations: int = 50) -> float:
    """The largest eigenvalue of the inner Hessian, by the power method: descent needs a rate below 2 over it."""
    second = SecondDerivatives(problem)
    vector = tuple(torch.ones_like(part) for part in problem.weights)
    for _ in range(iterations):
        length = inner_product(vector, vector).sqrt()
        vector = second.with_weights(tuple(part / length for part in vector))
    return inner_product(vector, vector).sqrt().item()


def cosine(left: Tensors, right: Tensors) -> float:
    """Cosine of the angle between two gradients."""
    return F.cosine_similarity(*(torch.cat([part.flatten() for part in side]) for side in (left, right)), dim=0).item()


def relative_error(found: Tensors, exact: Tensors) -> float:
    """Length of the difference over that of the exact gradient."""
    difference = add_scaled(found, -1.0, exact)
    return (inner_product(difference, difference) / inner_product(exact, exact)).sqrt().item()


def descended(inner: Loss, weights: Tensors, architecture: Tensors, iterations: int) -> Tensors:
    """Weights nearer to the inner optimum, by L-BFGS."""
    moving = [part.clone().requires_grad_() for part in weights]
    search = "strong_wolfe"
    optimiser = torch.optim.LBFGS(
        moving, max_iter=iterations, tolerance_grad=1e-9, tolerance_change=1e-15, line_search_fn=search
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        value = inner(tuple(moving), architecture)
        value.backward()
        return value

    optimiser.step(closure)
    return tuple(part.detach() for part in moving)


def _convolutions(before: int, after: int) -> nn.ModuleList:
    return nn.ModuleList(
        nn.Conv2d(before, after, size, dilation=dilation, padding=size // 2 * dilation) for size, dilation in KINDS
    )


def _mixture(convolutions: nn.ModuleList, weights: Tensor, images: Tensor) -> Tensor:
    return torch.stack([weight * one(images) for weight, one in zip(weights, convolutions, strict=True)]).sum(0)


def _fit(network: nn.Module, names: list[str], sources: Tensor) -> Loss:
    target = sources.amax(1, keepdim=True)
    return module_loss(network, names, ["mixing"], lambda call: F.mse_loss(call(sources), target))


def _inner(network: nn.Module, names: list[str], sources: Tensor) -> Loss:
    fit = _fit(network, names, sources)
    return lambda theta, alpha: fit(theta, alpha) + RIDGE / 2 * inner_product(theta, theta)


def _images() -> Tensor:
    return F.interpolate(torch.rand(IMAGES, 2, 5, 5), size=(8, 8), mode="bilinear")
