"""How a search was done, as rows of names and texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imfuse.lab.schedule import Schedule
from imfuse.lab.search.page.story import Story
from imfuse.lab.search.page.words import count, things
from imfuse.lab.term import FUSED, read_term


def settings(story: Story) -> list[tuple[str, str]]:
    """How the search was done, as names and texts."""
    recipe = story.recipe
    own = _gradient_settings(story) if recipe.strategy == "gradient" else _trials_settings(story)
    return [
        *own,
        *_time_settings(story),
        ("objective", ", ".join(_term(name, value) for name, value in recipe.objective.items())),
        *_image_settings(story),
        ("space", f"{things(story.space.size, 'network')}, {things(len(story.space.choices), 'choice')}"),
        ("batch", f"{recipe.data.batch} of {recipe.data.patch} × {recipe.data.patch}"),
        ("seed", str(recipe.seed)),
    ]


def _time_settings(story: Story) -> list[tuple[str, str]]:
    latency = story.recipe.latency
    target, threads = latency.target, latency.target.threads
    weights = latency.weight if isinstance(latency.weight, list) else [latency.weight]
    beyond = "" if latency.budget_ms is None else " above the budget"
    where = f"{target.engine} on {target.device}" + (f", {things(threads, 'thread')}" if threads else "")
    return [
        ("time", f"of a whole call, {where}, {target.width} × {target.height}"),
        ("loss for each millisecond", ", ".join(f"{weight:g}" for weight in weights) + beyond),
    ]


def _term(name: str, value: Any) -> str:
    """A term of the objective with its weight, and what it has beside it.

    >>> _term("ssim", 2.2), _term("edges", {"weight": {"first": 0, "last": 1}, "loss": "gradient", "order": 2})
    ('2.2 ssim', '0 to 1 edges (gradient, order 2)')
    """
    term = read_term(name, value)
    weight = term.weight
    size = f"{weight.first:g} to {weight.last:g}" if isinstance(weight, Schedule) else f"{weight:g}"
    beside = [term.loss] if term.loss != name else []
    beside += [f"{option} {each}" for option, each in term.options.items()]
    beside += [f"of {term.image}"] if term.image != FUSED else []
    return f"{size} {name}" + (f" ({', '.join(beside)})" if beside else "")


def _image_settings(story: Story) -> list[tuple[str, str]]:
    """A row for each set of images, and one for the simulated ones."""
    data = story.recipe.data
    # Of a folder of the reader's own, which is absolute, the name is enough; the page may be shown to others.
    names = {
        folder: Path(folder).name if Path(folder).is_absolute() else folder for s in data.sets for folder in s.folders
    }
    found = [
        (f"images: {each.name}", f"{', '.join(map(names.__getitem__, each.folders))}; weight {each.weight:g}")
        for each in data.sets
    ]
    share = f"{data.simulated:.0%} of the patches, of {things(data.scenes, 'scene')}"
    return [*found, ("images: simulated", share)] if data.simulated else found


def _gradient_settings(story: Story) -> list[tuple[str, str]]:
    gradient = story.recipe.gradient
    options = ", ".join(f"{name} {value}" for name, value in gradient.options.items())
    return [
        ("hypergradient", gradient.hypergradient + (f" ({options})" if options else "")),
        ("relaxation", f"{gradient.relaxation}, temperature {gradient.temperature:g}"),
        ("steps", ", ".join(f"{phase.name} {count(phase.end - phase.begin)}" for phase in story.phases)),
        ("rate of the architecture", f"{gradient.architecture_rate:g}"),
    ]


def _trials_settings(story: Story) -> list[tuple[str, str]]:
    trials = story.recipe.trials
    found = [("networks", count(trials.candidates)), ("steps of each", count(trials.steps))]
    found.append(("judged on", things(trials.validation, "batch", "batches")))
    if story.recipe.strategy == "evolution":
        found += [("population", count(trials.population)), ("tournament", count(trials.tournament))]
    return found
