"""Loss against time of networks that were tried, or of the winners of a sweep, and the best so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from imfuse.lab.search.page.axis import Axis
from imfuse.lab.search.page.chart import Chart
from imfuse.lab.search.page.story import Story
from imfuse.lab.search.page.words import number
from imfuse.lab.search.pareto import pareto_front
from imfuse.lab.search.strategies.trial import Trial

LOG_FROM = 10
"""Factor between the slowest and the fastest network from which the axis of time is logarithmic."""

TIE = 1e-6
"""Part of a loss by which two networks may differ and still tie."""


def trials_entry(story: Story) -> dict[str, Any] | None:
    """All networks with their front, and the best so far; None where none were tried."""
    trials, best = list(story.trials), story.best_trial
    if not trials:
        return None
    front = pareto_front(trials)
    return {
        "scatter": scatter(trials, front, best, story.recipe.latency.budget_ms) if front else "",
        "progress": progress(story) if front else "",
        "tie": tie(story),
        "diverged": sum(not math.isfinite(trial.loss) for trial in trials),
        "rows": [
            {
                "cells": [str(place), trial.genotype, number(trial.loss), number(trial.milliseconds), f"{seconds:.1f}"],
                "note": "best" if trial == best else "front" if trial in front else "",
            }
            for place, (trial, seconds) in enumerate(zip(trials, story.trial_seconds, strict=True), 1)
        ],
    }


def scatter(
    trials: Sequence[Trial[str]], front: Sequence[Trial[str]], best: Trial[str] | None, budget: float | None
) -> Markup:
    """Loss against milliseconds: those of the front are filled and joined, the best has a ring and its name."""
    times = [*(trial.milliseconds for trial in trials), *([budget] if budget is not None else [])]
    chart = Chart(Axis.around(times, LOG_FROM), Axis.around(trial.loss for trial in trials))
    chart.frame("ms a call, fast to the left", "search loss, better downwards")
    if budget is not None:
        place = chart.across(budget)
        chart.rule(place, chart.top, place, chart.bottom, "budget")
        chart.write(place - 5, chart.top + 6, f"budget {budget:g} ms", "budget", "end")
    chart.steps([t.milliseconds for t in front], [t.loss for t in front], "front", chart.x.high)
    for trial in trials:
        tip = f"{trial.genotype}: loss {number(trial.loss)}, {number(trial.milliseconds, 3)} ms"
        if not math.isfinite(trial.loss):
            chart.cross(trial.milliseconds, "diverged", tip=tip)
        else:
            chart.dot(trial.milliseconds, trial.loss, "of-front" if trial in front else "tried", tip=tip)
    if best:
        _name_best(chart, best)
    points = "; ".join(f"{t.genotype}: loss {number(t.loss)}, {number(t.milliseconds, 3)} ms" for t in front)
    return chart.svg(f"Loss against milliseconds of {len(trials)} networks; beaten by no other: {points}")


def progress(story: Story) -> Markup:
    """The loss of each network in the order in which they were tried, and of the best until then."""
    scores = [trial.loss + story.weight * trial.milliseconds for trial in story.trials]
    candidates = max(story.recipe.trials.candidates, len(scores))
    chart = Chart(Axis(0, candidates + 1), Axis.around(scores))
    chart.frame("network", score_name(story))
    places, lowest = [], []
    for place, score in enumerate(scores, 1):
        if not math.isfinite(score):
            chart.cross(place, "diverged", tip=story.trials[place - 1].genotype)
            continue
        chart.dot(place, score, "tried", radius=3, tip=f"{place}: {story.trials[place - 1].genotype}")
        if not lowest or score < lowest[-1]:
            places.append(place)
            lowest.append(score)
    chart.steps(places, lowest, "shown", len(scores))
    for place, score in zip(places, lowest, strict=True):
        chart.dot(place, score, "of-front", radius=3.5)
    bests = ", ".join(f"{number(score)} at {place}" for place, score in zip(places, lowest, strict=True))
    return chart.svg(f"{score_name(story)} of {len(scores)} networks in their order; the best so far: {bests}")


def score_name(story: Story) -> str:
    """What networks are chosen by, in words."""
    return "search loss" + (f" + {story.weight:g} · ms" if story.weight else "")


def tie(story: Story) -> str:
    """A sentence where the best is hardly better than others; empty where it is.

    Such losses differ by less than the order of additions can make.
    """
    chosen = story.best_trial
    if chosen is None:
        return ""
    score = chosen.loss + story.weight * chosen.milliseconds
    scores = [trial.loss + story.weight * trial.milliseconds for trial in story.trials]
    equal = sum(math.isfinite(each) and abs(each - score) <= TIE * abs(score) for each in scores)
    best = f"{equal} networks tie for the lowest {score_name(story)}, {number(score)}, to within a millionth"
    return f"{best}; this does not tell which of them is better." if equal > 1 else ""


def _name_best(chart: Chart, best: Trial[str]) -> None:
    chart.dot(best.milliseconds, best.loss, "winner", radius=7.5)
    x, y = chart.across(best.milliseconds), chart.down(best.loss)
    to_left = x > (chart.left + chart.right) / 2
    chart.write(x - 11 if to_left else x + 11, y + 10, "best", "shown", "end" if to_left else "start")
