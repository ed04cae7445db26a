"""`Term`: one loss of an objective as a recipe writes it: which loss, with which options and weight (no torch)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from imfuse.errors import RecipeError
from imfuse.lab.schedule import Weight, read_weight


@dataclass(frozen=True)
class Term:
    """One weighted loss.

    Attributes:
        loss: name of the loss.
        weight: a number, or a schedule.
        options: keyword arguments of the loss.
    """

    loss: str
    weight: Weight
    options: dict[str, Any] = field(default_factory=dict)


def read_term(name: str, value: Any) -> Term:
    """A term as a recipe writes it: a weight, or a mapping of `weight`, `loss` and the options of the loss.

    Args:
        name: of the term, and of its loss unless the mapping names another, so that one loss can stand twice.
        value: a number, or such as `{weight: {first: 0, last: 1}, loss: gradient, operator: laplacian8}`.

    Raises:
        RecipeError: not such a value.

    Example:
        >>> read_term("edges", {"weight": 2, "loss": "gradient", "operator": "sobel"})
        Term(loss='gradient', weight=2.0, options={'operator': 'sobel'})
    """
    try:
        if not isinstance(value, Mapping):
            return Term(name, read_weight(value))
        if "weight" not in value:
            schedule = ", or {weight: {first: 0, last: 1}} for a schedule" if "first" in value else ""
            raise RecipeError(f"{dict(value)} has no `weight`; write {{weight: 1.0, ...}}{schedule}")
        options = {key: option for key, option in value.items() if key not in {"weight", "loss"}}
        return Term(str(value.get("loss", name)), read_weight(value["weight"]), options)
    except RecipeError as error:
        raise RecipeError(f"objective.{name}: {error}") from error
