"""The expected time and the losses over the steps of a search by gradients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from imfuse.lab.search.page.axis import Axis
from imfuse.lab.search.page.chart import Chart, Margins
from imfuse.lab.search.page.story import Story
from imfuse.lab.search.page.thinning import Run, runs
from imfuse.lab.search.page.trajectories import mark_phases, spread
from imfuse.lab.search.page.words import number, things

POINTS = 60
LOSSES = {"training_loss": "training", "search_loss": "search"}
LOG_FROM = 20
"""Factor between the greatest and the least loss from which their axis is logarithmic."""


def time_entry(story: Story) -> dict[str, Any] | None:
    """The expected milliseconds of a call with the budget and the winner; None where none were logged."""
    course = _course(story, "milliseconds")
    if not course:
        return None
    budget, winner = story.recipe.latency.budget_ms, story.winner
    extra = [value for value in (budget, winner.predicted_ms if winner else None) if value is not None]
    margins = Margins(right=112) if winner else Margins()
    chart = Chart(Axis(0, story.phases[-1].end), _around(course, extra), margins=margins)
    mark_phases(chart, story)
    chart.frame("step", "")
    if budget is not None:
        height = chart.down(budget)
        chart.rule(chart.left, height, chart.right, height, "budget")
        chart.write(chart.left + 4, height - 8, f"budget {budget:g} ms", "budget")
    _draw(chart, course, "shown")
    label = f"Expected milliseconds of a call over the steps, in the end {number(course[-1].mean)}"
    if winner:
        chart.dot(story.phases[-1].end, winner.predicted_ms, "winner", radius=5, tip="the winner, predicted")
        height = chart.down(winner.predicted_ms)
        chart.write(chart.right + 9, height, f"winner {number(winner.predicted_ms, 3)} ms", "shown")
        label += f"; the winner takes {number(winner.predicted_ms)}"
    label += f"; the budget is {budget:g}" if budget is not None else ""
    return {"plot": chart.svg(label), "head": ["step", "expected ms"], "rows": _table([course])}


def loss_entry(story: Story) -> dict[str, Any] | None:
    """The losses of the weights and of the architecture; None where none were logged."""
    courses = {name: _course(story, key) for key, name in LOSSES.items()}
    there = {name: course for name, course in courses.items() if course}
    if not there:
        return None
    everything = [run for course in there.values() for run in course]
    chart = Chart(Axis(0, story.phases[-1].end), _around(everything), margins=Margins(right=62))
    mark_phases(chart, story)
    chart.frame("step", "")
    kinds = {"training": "other", "search": "shown"}
    for name, course in there.items():
        _draw(chart, course, kinds[name])
    ordered = sorted(there, key=lambda name: chart.down(there[name][-1].mean))
    heights = spread([chart.down(there[name][-1].mean) for name in ordered], chart.top, chart.bottom)
    for name, height in zip(ordered, heights, strict=True):
        chart.write(chart.across(there[name][-1].step) + 6, height, name, kinds[name])
    ends = "; ".join(f"{name} loss from {number(c[0].mean)} to {number(c[-1].mean)}" for name, c in there.items())
    return {
        "plot": chart.svg(f"Losses over the steps: {ends}"),
        "head": ["step", *(f"{name} loss" for name in there)],
        "rows": _table(list(there.values())),
        "logarithmic": chart.y.log,
        "of_winner": _of_winner(story) if "search" in there else "",
    }


def _of_winner(story: Story) -> str:
    """Why the search loss of the winner is no point of the curve; empty while there is no winner."""
    if not story.winner:
        return ""
    gradient, batches = story.recipe.gradient, things(story.recipe.trials.validation, "batch", "batches")
    drawn = "all options together" if gradient.relaxation == "softmax" else "the networks that each step drew"
    terms = ", in stages with an image by its terms alone" if any(stage.image for stage in gradient.stages) else ""
    return (
        f"The search loss of the winner, {number(story.winner.loss)}, is no point of the line: it is of this network "
        f"alone, over {batches} of its own and by all terms of the objective; the line is of {drawn}, on the batch of "
        f"the step{terms}."
    )


def _course(story: Story, key: str) -> list[Run]:
    rows = [row for row in story.rows if key in row.values]
    return runs([row.step for row in rows], [row.values[key] for row in rows], POINTS)


def _around(course: Iterable[Run], extra: Iterable[float] = ()) -> Axis:
    return Axis.around([*(value for run in course for value in (run.low, run.high)), *extra], log_from=LOG_FROM)


def _draw(chart: Chart, course: list[Run], kind: str) -> None:
    steps = [run.step for run in course]
    if any(run.high > run.low for run in course):
        chart.band(steps, [run.low for run in course], [run.high for run in course], f"{kind} band")
    chart.line(steps, [run.mean for run in course], kind)


def _table(courses: list[list[Run]]) -> list[list[str]]:
    """A row a run, by the step at its end; courses may begin at different steps."""
    found: dict[int, dict[int, str]] = {}
    for column, course in enumerate(courses):
        for run in course:
            found.setdefault(run.step, {})[column] = number(run.mean)
    return [
        [str(step), *(cells.get(column, "–") for column in range(len(courses)))]
        for step, cells in sorted(found.items())
    ]
