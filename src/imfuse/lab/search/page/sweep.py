"""A sweep: the searches for several weights of the time beside each other."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from imfuse.lab.search.page.axis import Axis
from imfuse.lab.search.page.chart import Chart
from imfuse.lab.search.page.scatter import LOG_FROM
from imfuse.lab.search.page.story import Story
from imfuse.lab.search.page.words import duration, number
from imfuse.lab.search.pareto import pareto_front
from imfuse.lab.search.record import PAGE
from imfuse.lab.search.strategies.trial import Trial


def sweep_entry(story: Story) -> dict[str, Any] | None:
    """The front of the winners and a row for each weight; None for another search."""
    if not story.parts:
        return None
    ends = [Trial(f"{part.recipe.latency.weight:g}", *_end(part)) for part in story.parts if part.winner]
    front = pareto_front(ends)
    return {
        "plot": _plot(story, ends, front) if front else "",
        "rows": [_row(story, part, {trial.genotype for trial in front}) for part in story.parts],
    }


def _plot(story: Story, ends: list[Trial[str]], front: list[Trial[str]]) -> Markup:
    budget = story.recipe.latency.budget_ms
    times = [*(trial.milliseconds for trial in ends), *([budget] if budget is not None else [])]
    chart = Chart(Axis.around(times, LOG_FROM), Axis.around(trial.loss for trial in ends), width=480, height=300)
    chart.frame("predicted ms a call, fast to the left", "search loss of the winner, better downwards")
    if budget is not None:
        place = chart.across(budget)
        chart.rule(place, chart.top, place, chart.bottom, "budget")
        chart.write(place - 5, chart.top + 6, f"budget {budget:g} ms", "budget", "end")
    chart.steps([t.milliseconds for t in front], [t.loss for t in front], "front", chart.x.high)
    for trial in ends:
        tip = f"weight {trial.genotype}: loss {number(trial.loss)}, {number(trial.milliseconds, 3)} ms"
        chart.dot(trial.milliseconds, trial.loss, "of-front" if trial in front else "tried", radius=5, tip=tip)
    for trial in ends:
        x, y = chart.across(trial.milliseconds), chart.down(trial.loss)
        to_left = x > chart.right - 70
        chart.write(x - 9 if to_left else x + 9, y - 9, trial.genotype, "other", "end" if to_left else "start")
    points = "; ".join(f"weight {t.genotype}: loss {number(t.loss)}, {number(t.milliseconds, 3)} ms" for t in ends)
    return chart.svg(f"Loss against milliseconds of the winners. {points}")


def _row(story: Story, part: Story, front: set[str]) -> dict[str, Any]:
    weight, winner = f"{part.recipe.latency.weight:g}", part.winner
    begun = part.folder.is_dir()
    return {
        "weight": weight,
        "page": f"{part.folder.name}/{PAGE}" if begun else None,
        "genotype": winner.genotype if winner else "running, or stopped" if begun else "not begun",
        "cells": [number(winner.loss), number(winner.predicted_ms), number(winner.measured_ms)]
        if winner
        else ["–"] * 3,
        "seconds": duration(winner.seconds) if winner else "–",
        "done": winner is not None,
        "front": weight in front,
        "best": winner is not None and part is story.leader,
        "notes": winner.notes if winner else (),
    }


def _end(part: Story) -> tuple[float, float]:
    assert part.winner
    return part.winner.loss, part.winner.predicted_ms
