"""`Objective`: named, weighted loss terms; returns the total and each term, so that every run logs every term."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imfuse.errors import ImfuseError, RecipeError, TrainingError
from imfuse.lab.losses.registry import LOSSES, Loss
from imfuse.lab.schedule import Schedule
from imfuse.lab.term import FUSED, Term, read_term


class Objective(nn.Module):
    """A weighted sum of losses, with weights that may change in the course of a training.

    Args:
        terms: by name, the weight of a loss of `LOSSES` or of `losses`: a number; or a mapping of `weight` (a number,
            or a schedule such as `{first: 0, last: 1, end: 0.5}`), the options of the loss, `loss` where the term has a
            name of its own, and `image` where it is of another image than `fused`, as recipes write it.
        losses: losses of one's own by name, such as modules; they take what the objective is called with, and return a
            scalar.
        check: raise an error of a term that is not finite; it waits for the device at each call.

    Attributes:
        progress: share of the training that is done, in [0, 1]; see `at`.

    Raises:
        RecipeError: no terms, a name that is no loss, a weight that is none, or options that a loss does not take.

    Example:
        >>> sources = torch.rand(2, 2, 48, 48)
        >>> objective = Objective({"ssim": 1.0, "edges": {"weight": {"first": 0, "last": 4}, "loss": "max_gradient"}})
        >>> total, terms = objective.at(0.5)(sources[:, :1], sources)
        >>> sorted(terms), objective.weights
        (['edges', 'ssim'], {'ssim': 1.0, 'edges': 2.0})
    """

    def __init__(
        self, terms: Mapping[str, Any], losses: Mapping[str, Callable[..., Tensor]] | None = None, *, check: bool = True
    ) -> None:
        super().__init__()
        if not terms:
            raise RecipeError("objective: no terms; name at least one of " + ", ".join(LOSSES))
        if "total" in terms:
            raise RecipeError("objective: no term can be named 'total', which is the name of their sum")
        self.terms = {name: read_term(name, value) for name, value in terms.items()}
        unused = set(losses or {}) - {term.loss for term in self.terms.values()}
        if unused:
            raise RecipeError(f"objective: no term weighs the loss {sorted(unused)[0]!r}; name it among the terms")
        self.losses = {name: _make_loss(name, term, losses or {}) for name, term in self.terms.items()}
        # Registered apart, because the name of a term need not be fit for that of a module.
        self.modules_of_losses = nn.ModuleList(loss for loss in self.losses.values() if isinstance(loss, nn.Module))
        self.progress = 0.0
        self.check = check

    def at(self, progress: float) -> Objective:
        """This objective, with the weights of when this share of the training is done.

        Raises:
            ValueError: not a share, such as a number of steps.
        """
        if not 0 <= progress <= 1:
            raise ValueError(f"progress {progress}: expected the share of the training that is done, from 0 to 1")
        self.progress = progress
        return self

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each term at this progress."""
        weights = {name: term.weight for name, term in self.terms.items()}
        return {name: w.at(self.progress) if isinstance(w, Schedule) else w for name, w in weights.items()}

    @property
    def scheduled(self) -> dict[str, float]:
        """Those of `weights` that change."""
        return {name: w for name, w in self.weights.items() if isinstance(self.terms[name].weight, Schedule)}

    def forward(self, *images: Any) -> tuple[Float[Tensor, ""], dict[str, Float[Tensor, ""]]]:
        """Total and the unweighted value of each term.

        Args:
            images: fused `(b, 1, h, w)` and sources `(b, n, h, w)`; or what `losses` take. In place of fused it may be
                a NamedTuple of images, from which each term takes its own.

        Raises:
            TrainingError: a term is not finite.
            RecipeError: a loss of one's own gives no scalar, or there is no image of the name that a term says.
        """
        values = {name: self.measure(name, *images) for name in self.losses}
        for name, value in values.items():
            if value.ndim:
                raise RecipeError(f"objective.{name}: gives the shape {tuple(value.shape)}; a term must be a scalar")
        if self.check and not torch.compiler.is_compiling():
            _check(values)
        # A term without weight adds nothing, also where it is not finite: 0 times that would be NaN.
        weighted = [weight * values[name] for name, weight in self.weights.items() if weight]
        return torch.stack(weighted or [0 * value for value in values.values()]).sum(), values

    def measure(self, name: str, images: Any, *more: Any) -> Tensor:
        """The unweighted value of one term, of what `forward` takes.

        Raises:
            RecipeError: there is no image of the name that the term says.
        """
        return self.losses[name](_image(name, self.terms[name].image, images), *more)


def _image(name: str, image: str, images: Any) -> Any:
    """The image of a term among those of a NamedTuple; what is none counts as the fused image."""
    known = getattr(images, "_fields", (FUSED,))
    if image not in known:
        raise RecipeError(f"objective.{name}: no image {image!r}; the network makes {', '.join(known)}")
    return getattr(images, image) if hasattr(images, "_fields") else images


def _make_loss(name: str, term: Term, own: Mapping[str, Callable[..., Tensor]]) -> Loss:
    if term.loss in own:
        if term.options:
            raise RecipeError(f"objective.{name}: {term.loss!r} is a loss of one's own and takes no options here")
        return own[term.loss]
    if term.loss not in LOSSES:
        close = get_close_matches(term.loss, LOSSES, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else "."
        raise RecipeError(f"objective: no loss {term.loss!r}{hint} Known losses: {', '.join([*own, *LOSSES])}")
    if "reduction" in term.options:
        raise RecipeError(f"objective.{name}: a term is the mean of its loss, and takes no `reduction`")
    _check_options(name, term)
    try:
        return LOSSES[term.loss](**term.options)
    except ImfuseError as error:
        raise RecipeError(f"objective.{name}: {error}") from error
    except (TypeError, ValueError) as error:
        raise RecipeError(f"objective.{name}: {term.loss} does not take {term.options} ({error})") from error


def _check_options(name: str, term: Term) -> None:
    known = [option for option in inspect.signature(LOSSES[term.loss]).parameters if option != "reduction"]
    for option in term.options:
        if option not in known:
            raise RecipeError(
                f"objective.{name}: {term.loss} has no option {option!r}; its options: {', '.join(known) or 'none'}"
            )


def _check(values: Mapping[str, Tensor]) -> None:
    finite = torch.isfinite(torch.stack([value.detach() for value in values.values()])).tolist()
    for (name, value), fine in zip(values.items(), finite, strict=True):
        if not fine:
            raise TrainingError(
                f"the loss term {name!r} is {value.item()}; look at its images, or lower the learning rate"
            )
