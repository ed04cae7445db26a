"""From the winner of a search to a model that the Fuser loads: train, export, into the search's own zoo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from lightning_fabric.utilities.rank_zero import rank_zero_only

from imfuse.errors import RecipeError, SearchError, TrainingError
from imfuse.images.storage import first_line
from imfuse.lab.search.choices import sample
from imfuse.lab.search.recipe import SearchRecipe
from imfuse.lab.search.recipe_files import save_search
from imfuse.lab.search.record import RECIPE, TRAINING, ZOO, Winner
from imfuse.lab.search.retraining import genotype_of, retraining, space_of
from imfuse.lab.search.search import show_page
from imfuse.lab.search.working import only_process, writing_in
from imfuse.lab.training.export import export_run
from imfuse.lab.training.loop import train
from imfuse.lab.training.network import recipe_network
from imfuse.lab.training.recipe import Recipe, recipe_sha256
from imfuse.lab.training.recipe_files import read_recipe, save_recipe
from imfuse.lab.training.recipe_objective import recipe_objective
from imfuse.lab.training.recipe_values import first_difference
from imfuse.lab.training.run_folder import UNSEEN, RunFolder
from imfuse.runtime.card import ModelCard


@dataclass(frozen=True)
class Trained:
    """What the chain made.

    Attributes:
        steps: updates done.
        finished: whether that is all of them.
        folder: of the model; None where the training was stopped, and in all processes but the first.
        card: of the model, in the same way.
    """

    steps: int
    finished: bool
    folder: Path | None = None
    card: ModelCard | None = None


def check_training(recipe: SearchRecipe) -> None:
    """See that a network of the space could be trained as winners are, before hours are spent to find one.

    Raises:
        RecipeError: the changes for the training make no recipe, or none that does.
    """
    final = retraining(recipe, sample(space_of(recipe), Random(0)))
    with torch.random.fork_rng(devices=[]):
        recipe_objective(final, recipe_network(final))


def train_winner(recipe: SearchRecipe, folder: Path, *, restart: bool = False, licence: str = "not stated") -> Trained:
    """Train the network that the search in `folder` found, and export it; goes on where it stopped.

    Args:
        recipe: of the search, with the changes for the training.
        folder: of the search; gets `training` and `zoo/<name>`.
        restart: train again whatever is there.
        licence: terms of the weights, for the card.

    Raises:
        SearchError: the search has not finished, the folder holds a training with other changes or cannot be written
            in, or another process works in it.
        RecipeError: the changes for the training make no recipe.
        TrainingError: a value is not finite, or a check of the exported model fails.
    """
    final = retraining(recipe, genotype_of(recipe, Winner.read(folder).genotype))
    run = folder / TRAINING
    if not restart:
        _check_former(RunFolder(run), final)
    first = getattr(rank_zero_only, "rank", 0) == 0
    with only_process(folder, first=first), writing_in(folder):
        if first:
            save_search(recipe, folder / RECIPE)  # a training may have other changes than the search was begun with
        outcome = train(final, run, restart=restart)
        if not outcome.finished or not first:
            return Trained(outcome.steps_done, outcome.finished)
        model = folder / ZOO / final.name
        card = export_run(run, model, licence=licence)
        save_recipe(final, model / card.recipe)  # beside the weights, where `load_network` finds it
        show_page(folder)  # which names the model
        return Trained(outcome.steps_done, True, model, card)


def _check_former(run: RunFolder, final: Recipe) -> None:
    """See that a training can go on from what there is.

    Raises:
        SearchError: it cannot; says how to train again without another search.
    """
    again = "--retrain trains the winner again, and keeps the search"
    try:
        former = read_recipe(run.recipe) if run.recipe.is_file() else final
        if recipe_sha256(former) != recipe_sha256(final):
            different = first_difference(former, final, UNSEEN)
            raise SearchError(f"{run.path}: the winner was trained by other values ({different}); {again}")
        run.steps_done(final)
    except (RecipeError, TrainingError) as error:
        inner = error.__cause__  # without the advice of `imfuse train`, which would lose the search
        cause = first_line(inner if isinstance(inner, Exception) else error)
        raise SearchError(f"{run.path}: holds no training that can go on ({cause}); {again}") from error
