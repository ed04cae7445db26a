"""Gradients of a validation loss with respect to an architecture whose weights follow it, by several methods.

`gauss_newton` is that of TIM; the others are what it is compared with.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from imfuse.errors import RecipeError
from imfuse.lab.search.hypergradient.conjugate_gradient import conjugate_gradient
from imfuse.lab.search.hypergradient.first_order import first_order
from imfuse.lab.search.hypergradient.gauss_newton import gauss_newton
from imfuse.lab.search.hypergradient.module_loss import module_loss
from imfuse.lab.search.hypergradient.neumann import neumann
from imfuse.lab.search.hypergradient.problem import Bilevel, HyperGradient, Loss, Tensors
from imfuse.lab.search.hypergradient.unrolled import unrolled

__all__ = [
    "HYPERGRADIENTS",
    "Bilevel",
    "HyperGradient",
    "Loss",
    "Tensors",
    "check_hypergradient",
    "hypergradient",
    "module_loss",
]

HYPERGRADIENTS: dict[str, Callable[..., HyperGradient]] = {
    "first_order": first_order,
    "gauss_newton": gauss_newton,
    "neumann": neumann,
    "conjugate_gradient": conjugate_gradient,
    "unrolled": unrolled,
}


def hypergradient(name: str, problem: Bilevel, **options: Any) -> HyperGradient:
    """The gradient of the outer loss with respect to the architecture, by the method of a name.

    Raises:
        RecipeError: no such method, or an option that is unknown, missing or out of its range.

    Example:
        >>> import torch
        >>> follow = Bilevel(
        ...     inner=lambda theta, alpha: (theta[0] - alpha[0]).square() / 2,
        ...     outer=lambda theta, alpha: (theta[0] - 1).square() / 2,
        ...     weights=(torch.tensor(3.0),),
        ...     architecture=(torch.tensor(3.0),),
        ... )
        >>> hypergradient("conjugate_gradient", follow).architecture
        (tensor(2.),)
        >>> hypergradient("first_order", follow).architecture  # which sees nothing of this
        (tensor(0.),)
    """
    check_hypergradient(name, options)
    return HYPERGRADIENTS[name](problem, **options)


def check_hypergradient(name: str, options: Iterable[str]) -> None:
    """Raise a RecipeError unless the method exists, has these options, and needs no others."""
    if name not in HYPERGRADIENTS:
        raise RecipeError(f"hypergradient {name!r}: no such method; expected one of {', '.join(HYPERGRADIENTS)}")
    given = list(options)
    _, *parameters = inspect.signature(HYPERGRADIENTS[name]).parameters.values()
    known = [parameter.name for parameter in parameters]
    if unknown := [option for option in given if option not in known]:
        raise RecipeError(
            f"hypergradient {name!r}: no option {', '.join(unknown)}; it has {', '.join(known) or 'no options'}"
        )
    needed = [parameter.name for parameter in parameters if parameter.default is parameter.empty]
    if missing := [option for option in needed if option not in given]:
        raise RecipeError(f"hypergradient {name!r}: option {', '.join(missing)} is missing; give it a value")
