"""What a recipe must hold beyond the types of its fields (no torch)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from imfuse.errors import RecipeError
from imfuse.lab.training.recipe import Recipe

Rule = tuple[bool, str]
"""Whether it holds, and what to say of the field where it does not."""

NEEDED_SOURCES = {
    "haze": "visible",
    "overexposure": "visible",
    "darkness": "visible",
    "invert_infrared": "infrared",
}
"""The source that a change of the patches is applied to."""


def check_recipe(recipe: Recipe) -> None:
    """Check ranges, and that the parts go together.

    Raises:
        RecipeError: the first rule that is broken: the field, what was found, what is allowed.
    """
    for rules in (_training_rules(recipe), _data_rules(recipe), _set_rules(recipe), _augment_rules(recipe)):
        for holds, text in rules:
            if not holds:
                raise RecipeError(f"recipe {recipe.name!r}, field {text}")


def _training_rules(recipe: Recipe) -> Iterator[Rule]:
    optimiser = recipe.optimiser
    yield len(recipe.sources) >= 2, f"sources: {recipe.sources}; at least two names are needed"
    yield bool(recipe.objective), "objective: empty; name at least one term and its weight"
    yield recipe.seed >= 0, f"seed: {recipe.seed}; at least 0"
    yield optimiser.steps >= 1, f"optimiser.steps: {optimiser.steps}; at least 1"
    yield optimiser.learning_rate > 0, f"optimiser.learning_rate: {optimiser.learning_rate}; above 0"
    yield optimiser.warmup >= 0, f"optimiser.warmup: {optimiser.warmup}; at least 0"
    yield 0 <= optimiser.ema < 1, f"optimiser.ema: {optimiser.ema}; a decay in [0, 1)"
    for name in ("checkpoint_every", "picture_every", "log_every"):
        yield getattr(recipe, name) >= 1, f"{name}: {getattr(recipe, name)}; at least 1"


def _data_rules(recipe: Recipe) -> Iterator[Rule]:
    data = recipe.data
    yield bool(data.sets) or data.simulated == 1, "data.sets: empty; name folders, or set data.simulated to 1"
    yield data.patch >= 8, f"data.patch: {data.patch}; at least 8 pixels"
    yield data.batch >= 1, f"data.batch: {data.batch}; at least 1"
    yield data.scenes >= 1, f"data.scenes: {data.scenes}; at least 1"
    yield data.workers >= 0, f"data.workers: {data.workers}; at least 0"
    yield 0 <= data.whole <= 1, f"data.whole: {data.whole}; a share in [0, 1]"
    yield 0 <= data.simulated <= 1, f"data.simulated: {data.simulated}; a share in [0, 1]"
    fits = data.simulated == 0 or recipe.sources == ("infrared", "visible")
    yield fits, f"data.simulated: scenes are ('infrared', 'visible'), the recipe has {recipe.sources}"


def _set_rules(recipe: Recipe) -> Iterator[Rule]:
    for images in recipe.data.sets:
        found = len(images.folders)
        has = f"{images.name!r} has {found} folder{'s' if found != 1 else ''}"
        yield found == len(recipe.sources), f"data.sets: {has}; one for each source: {', '.join(recipe.sources)}"
        yield images.weight > 0, f"data.sets: {images.name!r} has weight {images.weight}; above 0"


def _augment_rules(recipe: Recipe) -> Iterator[Rule]:
    for name, value in asdict(recipe.data.augment).items():
        yield 0 <= value <= 1, f"data.augment.{name}: {value}; a probability in [0, 1]"
        source = NEEDED_SOURCES.get(name)
        fits = not value or source is None or source in recipe.sources
        yield fits, f"data.augment.{name}: needs a source named {source!r}, found {recipe.sources}"
