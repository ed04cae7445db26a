"""First order: the direct gradient alone, as if the weights did not follow the architecture."""

from __future__ import annotations

import torch

from imfuse.lab.search.hypergradient.derivatives import first_derivatives
from imfuse.lab.search.hypergradient.problem import Bilevel, HyperGradient


def first_order(problem: Bilevel) -> HyperGradient:
    """G = grad_alpha L_a.

    One backward pass. It is right where the weights do not matter to L_a, and zero where the architecture acts through
    the weights alone.

    Source: Liu, Simonyan and Yang 2019 (DARTS), first-order approximation.
    """
    outer = first_derivatives(problem, problem.outer, of_weights=False)
    with torch.no_grad():
        (inner,) = problem.average((problem.inner(problem.weights, problem.architecture),))
    return HyperGradient(outer.architecture, outer.value, inner)
