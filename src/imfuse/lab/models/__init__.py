"""Fusion networks by name; each maps `(b, n, h, w)` sources in [0, 1] to `(b, 1, h, w)`.

In training a network may return a NamedTuple of images instead, of which one is `fused`; an objective's terms name the
`image` that they are of.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from imfuse.errors import RecipeError
from imfuse.lab.models.haf import HAF, HAFImages
from imfuse.lab.models.learned_pyramid import LearnedPyramid
from imfuse.lab.models.searched import SearchedFusion
from imfuse.lab.models.tim import TIMFusion

MODELS: dict[str, type[nn.Module]] = {
    "learned_pyramid": LearnedPyramid,
    "searched": SearchedFusion,
    "tim": TIMFusion,
    "haf": HAF,
}
"""Every network that a recipe can name."""


def build_model(name: str, **options: Any) -> nn.Module:
    """Make a network of `MODELS` with its options; it carries `size_multiple`, `margin` and `symmetric`.

    Raises:
        RecipeError: no such network, or an option or a value of one that it does not take.

    Example:
        >>> build_model("learned_pyramid", levels=4).size_multiple
        16
    """
    if name not in MODELS:
        raise RecipeError(f"model.name: no network {name!r}; known networks: {', '.join(MODELS)}")
    try:
        return MODELS[name](**options)
    except TypeError as error:
        raise RecipeError(f"model.options: {name} does not take these options ({error})") from error
    except RecipeError as error:
        raise RecipeError(f"model.options: {error}") from error


__all__ = ["HAF", "MODELS", "HAFImages", "LearnedPyramid", "SearchedFusion", "TIMFusion", "build_model"]
