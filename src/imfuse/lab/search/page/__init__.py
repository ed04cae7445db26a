"""The page of a search: one HTML file made of what the search left in its folder, whether it has finished or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imfuse.images.storage import write_file
from imfuse.lab.page import render
from imfuse.lab.search.page import content
from imfuse.lab.search.page.curves import loss_entry, time_entry
from imfuse.lab.search.page.picture import drawing
from imfuse.lab.search.page.scatter import trials_entry
from imfuse.lab.search.page.settings import settings
from imfuse.lab.search.page.story import Story, read_story
from imfuse.lab.search.page.sweep import sweep_entry
from imfuse.lab.search.page.trajectories import entry, trajectories
from imfuse.lab.search.record import PAGE

FOLDER = Path(__file__).parent


def write_page(folder: Path) -> Path:
    """Write `search.html`; the same folder gives the same file, byte for byte.

    A sweep over weights gets the pages of its searches too, as far as they have begun.

    Args:
        folder: of a search, or of one weight of a sweep.

    Returns:
        The file, which appears whole or not at all.

    Raises:
        RecipeError: the folder holds no recipe.
        SearchError: a winner is damaged, or the folder is of no weight of its sweep.
        ImageWriteError: the file cannot be written.
    """
    story = read_story(Path(folder))
    for part in story.parts:
        if part.folder.is_dir():
            _write(part)
    return _write(story)


def _write(story: Story) -> Path:
    path = story.folder / PAGE
    title = story.recipe.name
    write_file(path, render(FOLDER, "search.html.jinja", title, _values(story)))
    return path


def _values(story: Story) -> dict[str, Any]:
    found = trajectories(story.leader)
    shown = trajectories(story)
    return {
        "head": content.head(story),
        "state": content.state(story),
        "network": content.network(story),
        "drawing": drawing(story, content.title(story)),
        "picks": content.picks(story, found),
        "levels": [_level(story, level, shown) for level in ("macro", "micro")] if shown else [],
        "time": time_entry(story),
        "loss": loss_entry(story),
        "trials": trials_entry(story),
        "sweep": sweep_entry(story),
        "settings": settings(story),
        "is_trials": story.recipe.strategy != "gradient",
    }


def _level(story: Story, level: str, found: list[Any]) -> dict[str, Any]:
    """The plots of the choices of a level, those apart that the network leaves open."""
    own = [trajectory for trajectory in found if trajectory.choice.level == level]
    seen = {trajectory.choice.name for trajectory in own}
    unseen = [choice for choice in story.space.choices if choice.level == level and choice.name not in seen]
    return {
        "name": level,
        "taken": [entry(story, trajectory) for trajectory in own if trajectory.taken is not None],
        "open": [entry(story, trajectory) for trajectory in own if trajectory.taken is None],
        "unlogged": [
            f"{choice.name} {choice.options[story.picks[choice.name]]}"
            for choice in unseen
            if choice.name in story.picks
        ],
    }
