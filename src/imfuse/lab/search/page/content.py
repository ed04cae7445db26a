"""What the template fills in: where the search stands, and its network in numbers."""

from __future__ import annotations

from typing import Any

from imfuse.lab.search.page.story import Story
from imfuse.lab.search.page.trajectories import Trajectory
from imfuse.lab.search.page.words import count, duration, number, things
from imfuse.lab.search.record import PAGE, RECIPE
from imfuse.lab.search.search_folder import trained_model

STRATEGIES = {
    "gradient": "by gradients on a supernet",
    "random": "by short trainings of random networks",
    "evolution": "by short trainings and evolution",
}


def head(story: Story) -> dict[str, Any]:
    """Task, sources, strategy and how far it is."""
    recipe = story.recipe
    part = not (story.folder / RECIPE).is_file()  # a weight of a sweep has the recipe of the sweep
    return {
        "task": recipe.task,
        "sources": recipe.sources,
        "strategy": STRATEGIES[recipe.strategy],
        "method": recipe.gradient.hypergradient if recipe.strategy == "gradient" else "",
        "size": things(story.space.size, "network"),
        "done": _done(story),
        "seconds": duration(sum(_seconds(part) for part in story.parts or [story])) if _seconds_known(story) else "",
        "weight": f"{recipe.latency.weight:g}" if part else "",
        "above": f"../{PAGE}" if part else "",
    }


def state(story: Story) -> str:
    """A sentence on a search that has not finished; empty for one that has."""
    if story.winner:
        return ""
    if story.parts:
        done = sum(part.winner is not None for part in story.parts)
        return f"This sweep has not finished: {done} of {things(len(story.parts), 'search', 'searches')} done."
    if not story.rows and not story.trials:
        return "This search has logged nothing yet."
    return f"This search has not finished: {_done(story)}. What follows is as far as it came."


def network(story: Story) -> dict[str, Any] | None:
    """The network with its numbers; None where there is none yet."""
    if not story.genotype:
        return None
    return {
        "genotype": str(story.genotype),
        "title": title(story),
        "numbers": _numbers(story),
        "over": _over_budget(story),
        "model": _model(story),
        "notes": story.winner.notes if story.winner else (),
    }


def title(story: Story) -> str:
    """What the network is."""
    if story.winner:
        return "Winner"
    return "Likeliest network so far" if story.rows else "Best network so far"


def picks(story: Story, found: list[Trajectory]) -> list[dict[str, Any]]:
    """What the network took in each choice that it decides, and how likely that was."""
    by_name = {trajectory.choice.name: trajectory for trajectory in found}
    options = {choice.name: choice.options for choice in story.space.choices}
    rows = []
    for name, pick in story.picks.items():
        final = by_name[name].final if name in by_name else None
        likeliest = by_name[name].likeliest if name in by_name else pick
        rows.append(
            {
                "name": name,
                "option": str(options[name][pick]),
                "probability": f"{final[pick]:.2f}" if final else "",
                "even": f"{1 / len(options[name]):.2f}",
                "likeliest": f"{options[name][likeliest]} {final[likeliest]:.2f}" if final else "",
                "against": likeliest != pick,
            }
        )
    return rows


def _numbers(story: Story) -> list[tuple[str, str, str]]:
    """Name, value and words of each number of the network."""
    winner, budget = story.winner, story.recipe.latency.budget_ms
    if winner:
        found = [
            ("predicted", f"{number(winner.predicted_ms, 3)} ms", "a call, by the table of times"),
            ("measured", f"{number(winner.measured_ms, 3)} ms", "a call of the whole network"),
        ]
    elif story.best_trial:
        found = [("predicted", f"{number(story.best_trial.milliseconds, 3)} ms", "a call, by the table of times")]
    else:
        times = [row.values["milliseconds"] for row in story.rows if "milliseconds" in row.values]
        found = [("expected", f"{number(times[-1], 3)} ms", "a call, of all options")] if times else []
    found.append(("budget", f"{budget:g} ms" if budget is not None else "none", "for a call"))
    loss = winner.loss if winner else story.best_trial.loss if story.best_trial else None
    if loss is not None:
        where = "on the supernet" if story.recipe.strategy == "gradient" else "after a short training"
        found.append(("search loss", number(loss), where))
    return found


def _model(story: Story) -> str:
    """Where the trained winner is, from the folder of the page; empty where there is none."""
    model = trained_model(story.recipe, story.folder) if story.winner else None
    return model.relative_to(story.folder).as_posix() if model else ""


def _over_budget(story: Story) -> str:
    """A warning where the winner was measured to take longer than it may."""
    winner, budget = story.winner, story.recipe.latency.budget_ms
    if not winner:
        return ""
    if budget is not None and winner.measured_ms > budget:
        over = f"Measured, the winner takes {number(winner.measured_ms - budget, 2)} ms more than the budget of "
        return f"{over}{budget:g} ms."
    return ""


def _done(story: Story) -> str:
    """How much of the search is done, in words."""
    if story.parts:
        return things(len(story.parts), "weight") + " of time"
    if story.recipe.strategy == "gradient":
        total, done = story.phases[-1].end, story.rows[-1].step if story.rows else 0
        return f"{count(done)} of {things(total, 'step')}" if done < total else things(total, "step")
    total, done = story.recipe.trials.candidates, len(story.trials)
    return f"{count(done)} of {things(total, 'network')} tried" if done < total else f"{things(done, 'network')} tried"


def _seconds_known(story: Story) -> bool:
    return bool(story.winner or story.trials)


def _seconds(story: Story) -> float:
    return story.winner.seconds if story.winner else sum(story.trial_seconds)
