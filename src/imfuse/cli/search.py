"""`imfuse search`: find a fusion network by a recipe, and train and export it where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imfuse.cli._recipe_fields import add_recipe_fields, given_fields
from imfuse.cli.train import INTERRUPTED
from imfuse.errors import ImfuseError, PairingError, RecipeError

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

    from imfuse.lab.search.recipe import SearchRecipe
    from imfuse.lab.search.record import Winner


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options: where to search, what follows, and every field of the recipe."""
    from imfuse.lab.search.recipe import SearchRecipe

    # Named one by one, as argparse would, the fields fill a screen before the reason of an error is seen.
    parser.usage = (
        "imfuse search RECIPE [-o RUN] [--folders DIR DIR] [--then-train] [--retrain] [--restart] [--FIELD VALUE ...]"
    )
    parser.add_argument(
        "recipe",
        metavar="RECIPE",
        help="a YAML file, or a search that comes with imfuse, such as ivif-10ms",
    )
    parser.add_argument("-o", "--output", metavar="RUN", help="folder of the search; runs/<name>-search if not given")
    parser.add_argument(
        "--folders", nargs="+", metavar="DIR", help="search on these aligned folders, one a source, files of equal stem"
    )
    parser.add_argument("--then-train", action="store_true", help="train the winner, and export it to RUN/zoo/<name>")
    parser.add_argument("--retrain", action="store_true", help="train the winner again, and lose its former training")
    parser.add_argument("--licence", default="not stated", help="terms of the weights, for the card")
    parser.add_argument("--restart", action="store_true", help="begin again, and lose what the folder holds")
    add_recipe_fields(parser, SearchRecipe)


def run(arguments: Namespace) -> int:
    """Search, and give the exit status.

    Raises:
        RecipeError: the recipe, or the data that it names, is not as it must be.
        PairingError: no images have the same name in all folders.
        SearchError: the folder holds another search or is not to be used, or no network keeps the budget.
        TrainingError: a value is not finite, or a check of the exported model fails.
    """
    from imfuse.lab.search.recipe import SearchRecipe
    from imfuse.lab.search.recipe_files import find_search, read_search

    given = given_fields(arguments, SearchRecipe)
    recipe = read_search(find_search(arguments.recipe), given, arguments.folders)
    folder = Path(arguments.output or Path("runs") / f"{recipe.name}-search")

    try:
        return _search(recipe, folder, arguments)
    except KeyboardInterrupt:
        _say(_interrupted(folder, arguments))
        return INTERRUPTED


def _search(recipe: SearchRecipe, folder: Path, arguments: Namespace) -> int:
    from imfuse.lab.search.chain import check_training
    from imfuse.lab.search.search import search
    from imfuse.lab.search.search_folder import trained_model

    trains = arguments.then_train or arguments.retrain
    if trains:
        check_training(recipe)
    try:
        outcome = search(recipe, folder, restart=arguments.restart)
    except (RecipeError, PairingError) as error:
        raise _advised(error, recipe, arguments.folders or ()) from error
    if outcome.winner is None:
        _say(f"{folder}: stopped; {_going_on(arguments)}")
        return INTERRUPTED
    model = None if trains else trained_model(recipe, folder)
    _say(_sentence(outcome.winner, folder, model, known=outcome.known, trains=trains))
    return _train(recipe, folder, arguments) if trains else 0


def _advised(error: ImfuseError, recipe: SearchRecipe, folders: Sequence[str]) -> ImfuseError:
    """The error, with what can be done by the options of this command where it is of the images."""
    text = str(error)
    if missing := [folder for folder in folders if not Path(folder).is_dir()]:
        wanted = ", then of ".join(recipe.sources)
        text = f"--folders: no folder {missing[0]}; name folders that are there, that of {wanted}"
    elif not folders and any(
        not Path(recipe.data.root, folder).is_dir() for images in recipe.data.sets for folder in images.folders
    ):
        text += f"; or search on your own images by --folders {' '.join(recipe.sources).upper()}"
    elif isinstance(error, PairingError) and "; if their names differ" in text:
        text = text.partition("; if their names differ")[0] + ", so rename those in one of the folders"
    return type(error)(text)


def _train(recipe: Any, folder: Path, arguments: Namespace) -> int:
    from imfuse.lab.search.chain import train_winner

    restart = arguments.restart or arguments.retrain
    trained = train_winner(recipe, folder, restart=restart, licence=arguments.licence)
    if not trained.finished:
        _say(f"{folder}: training stopped after {trained.steps} steps; {_going_on(arguments)}")
        return INTERRUPTED
    if card := trained.card:
        _say(
            f"{trained.folder}: {card.name}, {card.parameters} parameters, {card.macs_per_pixel} MACs a pixel; use it "
            f"by `imfuse fuse A B --model {trained.folder} -o OUT`"
        )
    return 0


def _going_on(arguments: Namespace) -> str:
    again = [f"--{name}" for name in ("restart", "retrain") if arguments[name]]
    return f"the same command{' without ' if again else ''}{' and '.join(again)} goes on from there"


def _interrupted(folder: Path, arguments: Namespace) -> str:
    """What is to be said where nothing could be kept at the end, as before the first step or at a second interrupt."""
    from imfuse.lab.search.search_folder import has_kept

    if has_kept(folder):
        return f"{folder}: interrupted; what was kept last is there, and {_going_on(arguments)}"
    return f"{folder}: interrupted before anything of the search was kept; the same command begins again"


def _sentence(winner: Winner, folder: Path, model: Path | None, *, known: bool, trains: bool) -> str:
    found = "had found" if known else f"found in {winner.seconds:.0f} s"
    then = f"; its model is {model}" if model else "" if trains else "; --then-train trains and exports it"
    return (
        f"{folder}: {found} '{winner.genotype}', {winner.measured_ms:.1f} ms a call ({winner.predicted_ms:.1f} "
        f"predicted){then}"
    )


def _say(text: str) -> None:
    """One of several processes speaks."""
    from lightning_fabric.utilities.rank_zero import rank_zero_only

    if getattr(rank_zero_only, "rank", 0) == 0:
        print(text)
