"""`Term`: one loss of an objective as a recipe writes it: which loss, with which options and weight (no torch)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from imfuse.errors import RecipeError
from imfuse.lab.schedule import Weight, read_weight

FUSED = "fused"
"""Name of the fused image among those that a network makes."""

KEYS = ("weight", "loss", "image")
"""What a recipe writes beside the options of a loss."""


@dataclass(frozen=True)
class Term:
    """One weighted loss.

    Attributes:
        loss: name of the loss.
        weight: a number, or a schedule.
        options: keyword arguments of the loss.
        image: which of the images that a network makes for its training.
    """

    loss: str
    weight: Weight
    options: dict[str, Any] = field(default_factory=dict)
    image: str = FUSED


def read_term(name: str, value: Any) -> Term:
    """A term as a recipe writes it: a weight, or a mapping of `weight`, `loss`, `image` and the options of the loss.

    Args:
        name: of the term, and of its loss unless the mapping names another, so that one loss can stand twice.
        value: a number, or such as `{weight: {first: 0, last: 1}, loss: gradient, operator: laplacian8}`.

    Raises:
        RecipeError: not such a value.

    Example:
        >>> read_term("edges", {"weight": 2, "loss": "gradient", "operator": "sobel"})
        Term(loss='gradient', weight=2.0, options={'operator': 'sobel'}, image='fused')
    """
    try:
        if not isinstance(value, Mapping):
            return Term(name, read_weight(value))
        if "weight" not in value:
            schedule = ", or {weight: {first: 0, last: 1}} for a schedule" if "first" in value else ""
            raise RecipeError(f"{dict(value)} has no `weight`; write {{weight: 1.0, ...}}{schedule}")
        options = {key: option for key, option in value.items() if key not in KEYS}
        return Term(str(value.get("loss", name)), read_weight(value["weight"]), options, _image(value))
    except RecipeError as error:
        raise RecipeError(f"objective.{name}: {error}") from error


def _image(value: Mapping[str, Any]) -> str:
    image = value.get("image", FUSED)
    if not isinstance(image, str):
        raise RecipeError(f"image {image!r}; expected the name of an image, such as {FUSED}")
    return image
