"""The network that a recipe names, tried once on an empty picture before anything is trained or exported."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import torch
from torch import Tensor, nn

from imfuse.errors import RecipeError
from imfuse.lab.models import build_model
from imfuse.lab.training.recipe import Recipe

ALLOWED = {
    "learned_pyramid": "levels from 2 up, width from 1 up, gain_limit above 0 and finite, and two sources unless "
    "symmetric is true",
}
"""What the options of a network must be, for the errors."""

Images = Any
"""What a network in training makes: the fused image `(b, 1, h, w)`, or a NamedTuple of images, one of them `fused`."""

FAILURES = (ArithmeticError, IndexError, MemoryError, RuntimeError, TypeError, ValueError)
"""What networks raise of options or sources that they cannot take."""


def recipe_network(recipe: Recipe) -> nn.Module:
    """Build the network of a recipe, and see that it fuses the recipe's sources in the recipe's patches.

    Raises:
        RecipeError: it cannot be built, or not fuse so many sources, or the patch is no multiple of what it needs.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # PyTorch warns of empty layers, which are refused below
        network = _build(recipe)
        _try(network, recipe, size_multiple(network, recipe))
    return network


def size_multiple(network: nn.Module, recipe: Recipe) -> int:
    """What the sides of a network's sources must be multiples of.

    Raises:
        RecipeError: the patches of the recipe are not.
    """
    multiple = int(getattr(network, "size_multiple", 1))
    if recipe.data.patch % multiple:
        raise RecipeError(
            f"recipe {recipe.name!r}, field data.patch: {recipe.data.patch}; model {recipe.model.name!r} with "
            f"model.options {recipe.model.options} needs a multiple of {multiple}"
        )
    return multiple


@torch.no_grad()
def training_images(network: nn.Module, sources: Tensor, recipe: Recipe) -> Images:
    """What a network makes of sources in training, where it may make more images than the fused one.

    A copy makes them, so that no statistics change, and without a draw that others would miss.

    Raises:
        RecipeError: it cannot, or makes neither an image nor a NamedTuple of images.
    """
    size_multiple(network, recipe)
    apart = copy.deepcopy(network).cpu().train()
    try:
        with torch.random.fork_rng(devices=[]):
            images = apart(sources)
    except FAILURES as error:
        raise _refusal(recipe, f"cannot be trained on sources {tuple(sources.shape)} ({error})") from error
    named = images if hasattr(images, "_fields") else (images,)
    if not all(isinstance(image, Tensor) for image in named):
        raise _refusal(recipe, f"makes {type(images).__name__} in training, not an image or a NamedTuple of images")
    return images


def _build(recipe: Recipe) -> nn.Module:
    model = recipe.model
    try:
        network = build_model(model.name, **model.options)
    except FAILURES as error:
        raise _refusal(recipe, f"cannot be built ({error})") from error
    if empty := [name for name, parameter in network.named_parameters() if not parameter.numel()]:
        raise _refusal(recipe, f"has layers without weights ({empty[0]})")
    return network


@torch.no_grad()
def _try(network: nn.Module, recipe: Recipe, side: int) -> None:
    """Fuse black sources of the smallest size; in evaluation, so that nothing is drawn and no statistics change."""
    count = len(recipe.sources)
    training = network.training
    try:
        fused = network.eval()(torch.zeros(1, count, side, side))
    except FAILURES as error:
        raise _refusal(recipe, f"cannot fuse {count} sources of {side} x {side} pixels ({error})") from error
    finally:
        network.train(training)
    if not isinstance(fused, Tensor):
        raise _refusal(recipe, f"makes {type(fused).__name__} in evaluation, not the fused image alone")
    if fused.shape != (1, 1, side, side):
        raise _refusal(recipe, f"makes {tuple(fused.shape)} of {count} sources, not {(1, 1, side, side)}")
    if not bool(torch.isfinite(fused).all()):
        raise _refusal(recipe, "makes values that are not finite of black sources")


def _refusal(recipe: Recipe, reason: str) -> RecipeError:
    model = recipe.model
    allowed = f"; allowed are {ALLOWED[model.name]}" if model.name in ALLOWED else ""
    return RecipeError(
        f"recipe {recipe.name!r}, field model.options: {model.name} with {model.options}, sources {recipe.sources} "
        f"and data.patch {recipe.data.patch} {reason}{allowed}"
    )
