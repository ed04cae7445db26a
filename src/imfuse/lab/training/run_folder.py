"""The folder of one training: the recipe, the checkpoint, the logs and, once finished, the weights."""

from __future__ import annotations

import shutil
from pathlib import Path

from imfuse.errors import TrainingError
from imfuse.lab.training.checkpoint import checkpoint_step
from imfuse.lab.training.recipe import Recipe, recipe_sha256
from imfuse.lab.training.recipe_files import read_recipe, save_recipe
from imfuse.lab.training.recipe_values import first_difference

UNSEEN = ("data.root", "data.cache_mb", "data.workers", "remark")
"""Fields that may differ between the parts of one training."""


class RunFolder:
    """Names of the files of a training.

    Attributes:
        recipe: the resolved recipe, which reproduces the training.
        checkpoint: the state to go on from.
        weights: the averaged weights of the finished training.
        logs: TensorBoard's files.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recipe = path / "recipe.yaml"
        self.checkpoint = path / "checkpoint.safetensors"
        self.weights = path / "weights.safetensors"
        self.logs = path / "tensorboard"

    def steps_done(self, recipe: Recipe) -> int:
        """Updates that a former training with this recipe has left here; 0 where there was none.

        Raises:
            TrainingError: the folder holds a training with another recipe, or a damaged checkpoint.
        """
        if not self.recipe.is_file():
            if self.checkpoint.exists():
                raise TrainingError(f"{self.path}: a checkpoint without recipe.yaml; choose another folder")
            return 0
        former = read_recipe(self.recipe)
        if recipe_sha256(former) != recipe_sha256(recipe):
            raise TrainingError(
                f"{self.path}: holds a training with another recipe ({first_difference(former, recipe, UNSEEN)}); "
                "choose another folder, or --restart to begin again and lose it"
            )
        return checkpoint_step(self.checkpoint)

    def prepare(self, recipe: Recipe, *, restart: bool) -> None:
        """Make the folder and save the recipe; under `restart`, remove what a former training left."""
        self.path.mkdir(parents=True, exist_ok=True)
        if restart:
            self.checkpoint.unlink(missing_ok=True)
            self.weights.unlink(missing_ok=True)
            shutil.rmtree(self.logs, ignore_errors=True)
        save_recipe(recipe, self.recipe)
