"""`imfuse train`: train a model from a recipe, and go on where a former training stopped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from imfuse.cli._recipe_fields import add_recipe_fields, given_fields

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

INTERRUPTED = 130


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options: where to train, and every field of the recipe."""
    from imfuse.lab.training.recipe import Recipe

    # Named one by one, as argparse would, the fields fill a screen before the reason of an error is seen.
    parser.usage = "imfuse train RECIPE [-o RUN] [--folders DIR DIR] [--restart] [--FIELD VALUE ...]"
    parser.add_argument(
        "recipe", metavar="RECIPE", help="a YAML file, or the name of a recipe that comes with imfuse, such as ivif"
    )
    parser.add_argument("-o", "--output", metavar="RUN", help="folder of the training; runs/<name> if not given")
    parser.add_argument(
        "--folders", nargs="+", metavar="DIR", help="train on these aligned folders, one a source, files of equal stem"
    )
    parser.add_argument("--restart", action="store_true", help="begin again, and lose what the folder holds")
    add_recipe_fields(parser, Recipe)


def run(arguments: Namespace) -> int:
    """Train, and give the exit status.

    Raises:
        RecipeError: the recipe, or the data that it names, is not as it must be.
        TrainingError: the folder holds another training, or a value is not finite.
    """
    from imfuse.lab.training.recipe import Recipe
    from imfuse.lab.training.recipe_files import find_recipe, read_recipe, with_folders

    folders = arguments.folders
    recipe = read_recipe(find_recipe(arguments.recipe), given_fields(arguments, Recipe))
    recipe = with_folders(recipe, folders) if folders else recipe
    folder = Path(arguments.output or Path("runs") / recipe.name)

    from imfuse.lab.training.loop import train

    return _report(train(recipe, folder, restart=arguments.restart), folder)


def _report(outcome: Any, folder: Path) -> int:
    from lightning_fabric.utilities.rank_zero import rank_zero_only

    if getattr(rank_zero_only, "rank", 0) == 0:  # one of several processes speaks
        print(_sentence(outcome, folder))
    return 0 if outcome.finished else INTERRUPTED


def _sentence(outcome: Any, folder: Path) -> str:
    if not outcome.finished:
        return f"{folder}: stopped after {outcome.steps_done} steps; the same command goes on from there"
    if outcome.steps_before == outcome.steps_done:
        return f"{folder}: already finished after {outcome.steps_done} steps; `--restart` would begin again"
    return (
        f"{folder}: finished after {outcome.steps_done} steps; `imfuse export {folder} -o FOLDER` makes a model of it"
    )
