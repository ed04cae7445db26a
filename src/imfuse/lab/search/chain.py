"""From the winner of a search to a model that the Fuser loads: train, export, into the search's own zoo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imfuse.lab.search.recipe import SearchRecipe
from imfuse.lab.search.record import TRAINING, ZOO, Winner
from imfuse.lab.search.retraining import genotype_of, retraining
from imfuse.lab.training.export import export_run
from imfuse.lab.training.loop import train
from imfuse.runtime.card import ModelCard


@dataclass(frozen=True)
class Trained:
    """What the chain made.

    Attributes:
        steps: updates done.
        folder: of the model; None where the training was stopped before its end.
        card: of the model.
    """

    steps: int
    folder: Path | None
    card: ModelCard | None


def train_winner(recipe: SearchRecipe, folder: Path, *, restart: bool = False, licence: str = "not stated") -> Trained:
    """Train the network that the search in `folder` found, and export it; goes on where it stopped.

    Args:
        recipe: of the search, with the changes for the training.
        folder: of the search; gets `training` and `zoo/<name>`.
        restart: train again whatever is there.
        licence: terms of the weights, for the card.

    Raises:
        SearchError: the search has not finished.
        RecipeError: the changes for the training make no recipe.
        TrainingError: a value is not finite, or a check of the exported model fails.
    """
    winner = Winner.read(folder)
    final = retraining(recipe, genotype_of(recipe, winner.genotype))
    outcome = train(final, folder / TRAINING, restart=restart)
    if not outcome.finished:
        return Trained(outcome.steps_done, None, None)
    model = folder / ZOO / final.name
    return Trained(outcome.steps_done, model, export_run(folder / TRAINING, model, licence=licence))
