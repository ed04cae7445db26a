"""The folder of a search: whether it may be used, and what a new search finds in it."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from imfuse.errors import ImfuseError, SearchError
from imfuse.lab.search.recipe import SearchRecipe, search_sha256
from imfuse.lab.search.recipe_files import OWN, read_search, save_search
from imfuse.lab.search.record import (
    CHECKPOINT,
    COURSE,
    LOGS,
    PAGE,
    RECIPE,
    SWEPT,
    TIMES,
    TRAINING,
    TRIALS,
    WINNER,
    ZOO,
)
from imfuse.lab.search.retraining import space_of
from imfuse.lab.search.working import unusable
from imfuse.lab.training.recipe_values import first_difference

UNSEEN = ("machine", "checkpoint_every", "log_every", "training", "data.root", "data.cache_mb", "data.workers")
"""Fields that may differ between the parts of one search."""

LEFT = (CHECKPOINT, COURSE, TRIALS, WINNER, PAGE, TIMES)

KEPT = (CHECKPOINT, TRIALS, WINNER)
"""Files that a search goes on from."""

BEGUN = (COURSE, *KEPT)
"""Files without which there is nothing to lose."""


def is_done(recipe: SearchRecipe, folder: Path) -> bool:
    """Whether the folder holds the winner of this search.

    Raises:
        SearchError: it holds another search that has begun.
    """
    if not (folder / RECIPE).is_file():
        if (folder / CHECKPOINT).exists() or (folder / TRIALS).exists():
            raise SearchError(f"{folder}: a search without {RECIPE}; choose another folder")
        return False
    former = _former(folder)
    if search_sha256(former) != search_sha256(recipe):
        if not has_begun(folder):
            return False
        if _folders(former) != _folders(recipe) and _places(former) != _places(recipe):
            raise SearchError(_other_images(folder, former, recipe))
        raise SearchError(
            f"{folder}: holds a search with another recipe ({first_difference(former, recipe, UNSEEN)}); "
            "choose another folder, or --restart to begin again and lose it"
        )
    if _moved(former, recipe) and all(place.is_dir() for place in _places(former)):
        raise SearchError(_other_images(folder, former, recipe))  # not moved, but others of the same names
    return (folder / WINNER).is_file()


def has_begun(folder: Path) -> bool:
    """Whether a search, or one of a sweep, has left more in the folder than its recipe and its times."""
    return _holds(folder, BEGUN)


def has_kept(folder: Path) -> bool:
    """Whether there is something that a search goes on from."""
    return _holds(folder, KEPT)


def trained_model(recipe: SearchRecipe, folder: Path) -> Path | None:
    """The folder of the model that the winner of a finished search was exported to; None where it was not."""
    model = folder / ZOO / str(recipe.training.get("name", recipe.name))
    return model if (model / "card.json").is_file() else None


def open_folder(recipe: SearchRecipe, folder: Path, *, restart: bool) -> None:
    """Make the folder and save the recipe; under `restart`, remove what a former search and its training left.

    The times of a search that was refused before it began stay where they are those of this recipe too.

    Raises:
        SearchError: the folder cannot be made or written in.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in (folder, *folder.glob(f"{SWEPT}*")) if restart else ():
            for name in LEFT:
                (path / name).unlink(missing_ok=True)
            for name in (LOGS, TRAINING, ZOO):
                shutil.rmtree(path / name, ignore_errors=True)
        if not restart and (folder / RECIPE).is_file() and not _same_times(_former(folder), recipe):
            (folder / TIMES).unlink(missing_ok=True)
        save_search(recipe, folder / RECIPE)
    except (OSError, ImfuseError) as error:
        raise unusable(folder, error) from error


def sweep(recipe: SearchRecipe, folder: Path) -> Iterator[tuple[SearchRecipe, Path]]:
    """The searches of a recipe, one for each weight of the time, and their folders."""
    weight = recipe.latency.weight
    if not isinstance(weight, list):
        yield recipe, folder
        return
    for each in weight:
        latency = dataclasses.replace(recipe.latency, weight=each)
        yield dataclasses.replace(recipe, latency=latency), folder / f"{SWEPT}{each:g}"


def _moved(former: SearchRecipe, recipe: SearchRecipe) -> bool:
    """Whether the user's own folders have other places; a recipe's own `data.root` may change as it likes."""
    return any(images.name == OWN for images in recipe.data.sets) and _places(former) != _places(recipe)


def _folders(recipe: SearchRecipe) -> list[str]:
    return [folder for images in recipe.data.sets for folder in images.folders]


def _places(recipe: SearchRecipe) -> list[Path]:
    return [Path(recipe.data.root, folder).absolute() for folder in _folders(recipe)]


def _other_images(folder: Path, former: SearchRecipe, recipe: SearchRecipe) -> str:
    before, now = (", ".join(map(str, _places(each))) for each in (former, recipe))
    return (
        f"{folder}: holds a search on other images: {before}; now {now}. Name by --folders those that it began with, "
        "which may have moved together under the same names; choose another folder by -o; or --restart to begin again "
        "and lose it"
    )


def _holds(folder: Path, names: Iterable[str]) -> bool:
    """Whether one of the files is there, in the folder or in one of a sweep, and holds anything."""
    paths = [path / name for path in (folder, *folder.glob(f"{SWEPT}*")) for name in names]
    return any(path.is_file() and path.stat().st_size > 0 for path in paths)


def _same_times(former: SearchRecipe, recipe: SearchRecipe) -> bool:
    return (former.latency.target, space_of(former)) == (recipe.latency.target, space_of(recipe))


def _former(folder: Path) -> SearchRecipe:
    try:
        return read_search(folder / RECIPE)
    except ImfuseError as error:
        raise SearchError(
            f"{folder}: its recipe cannot be read ({error}); choose another folder, or --restart"
        ) from error
