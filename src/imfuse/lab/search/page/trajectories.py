"""How likely the options of a choice were over the steps of a search by gradients: one small plot a choice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from imfuse.lab.search.choices import Choice
from imfuse.lab.search.page.axis import Axis
from imfuse.lab.search.page.chart import Chart, Margins
from imfuse.lab.search.page.story import Story
from imfuse.lab.search.page.thinning import kept

POINTS, TABLE = 60, 9
"""Rows that a plot and a table show, about."""

LABELS, LINE = 5, 12.5
"""Options that are named beside their lines, and the pixels that a name takes."""

WIDTH, HEIGHT = 340, 186
MARGINS = Margins(left=30, top=20, right=98, bottom=24)


@dataclass(frozen=True)
class Trajectory:
    """A choice with what became of it.

    Attributes:
        choice: what was decided.
        taken: index of the option of the network that is shown; None where the network leaves the choice open.
        steps: updates done at each row until the choice was settled.
        values: probabilities of the options at each of them.
        settled: whether the search closed the choice before its end.
    """

    choice: Choice
    taken: int | None
    steps: Sequence[int]
    values: Sequence[Sequence[float]]
    settled: bool

    @property
    def final(self) -> Sequence[float]:
        """The last probabilities."""
        return self.values[-1]

    @property
    def likeliest(self) -> int:
        """Index of the option that was the likeliest in the end."""
        return max(range(len(self.final)), key=self.final.__getitem__)

    @property
    def shown(self) -> int:
        """Index of the option that the plot brings out."""
        return self.likeliest if self.taken is None else self.taken

    @property
    def order(self) -> list[int]:
        """Indices of the options, the likeliest in the end first."""
        return sorted(range(len(self.final)), key=lambda index: -self.final[index])


def trajectories(story: Story) -> list[Trajectory]:
    """Those of all choices that the search logged, in the order of its space."""
    found = []
    for choice in story.space.choices:
        count = story.open_rows[choice.name]
        rows = [row for row in story.rows[:count] if len(row.probabilities.get(choice.name, ())) == len(choice.options)]
        if rows:
            values = [row.probabilities[choice.name] for row in rows]
            settled = count < len(story.rows)
            found.append(Trajectory(choice, story.picks.get(choice.name), [row.step for row in rows], values, settled))
    return found


def entry(story: Story, trajectory: Trajectory) -> dict[str, Any]:
    """What the template shows of a choice: its words, its plot, and its numbers."""
    options = trajectory.choice.options
    return {
        "name": trajectory.choice.name,
        "taken": None if trajectory.taken is None else str(options[trajectory.taken]),
        "likeliest": str(options[trajectory.likeliest]),
        "probability": f"{trajectory.final[trajectory.shown]:.2f}",
        "greatest": f"{max(trajectory.final):.2f}",
        "against": trajectory.taken is not None and trajectory.taken != trajectory.likeliest,
        "settled": trajectory.settled,
        "plot": plot(story, trajectory),
        "options": [str(option) for option in options],
        "rows": [
            {"step": trajectory.steps[index], "cells": [f"{value:.3f}" for value in trajectory.values[index]]}
            for index in kept(len(trajectory.steps), TABLE)
        ],
    }


def plot(story: Story, trajectory: Trajectory) -> Markup:
    """The probabilities over the steps: the option that was taken is thick, and the likeliest have their names."""
    chart = Chart(Axis(0, story.phases[-1].end), Axis(0, 1), WIDTH, HEIGHT, MARGINS)
    mark_phases(chart, story, trajectory.choice.name)
    chart.frame("", "", x_ticks=3, y_ticks=2)
    level = chart.down(1 / len(trajectory.final))
    chart.rule(chart.left, level, chart.right, level, "even")
    rows = kept(len(trajectory.steps), POINTS)
    steps = [trajectory.steps[row] for row in rows]
    for index in trajectory.order[::-1]:
        if index != trajectory.shown:
            chart.line(steps, [trajectory.values[row][index] for row in rows], "other")
    chart.line(steps, [trajectory.values[row][trajectory.shown] for row in rows], "shown")
    chart.dot(steps[-1], trajectory.final[trajectory.shown], "shown end", radius=3.5)
    _name_lines(chart, trajectory, steps[-1])
    return chart.svg(_label(trajectory))


def mark_phases(chart: Chart, story: Story, choice: str = "") -> None:
    """The boundaries of warm-up and stages with their names, and the stage that decides a choice behind them."""
    for phase in story.phases:
        if choice and choice in phase.decides:
            chart.area(phase.begin, phase.end, "deciding")
    for phase in story.phases:
        begin, end = chart.across(phase.begin), chart.across(phase.end)
        if phase.begin:
            chart.rule(begin, chart.top - 14, begin, chart.bottom, "boundary")
        if end - begin >= 6.6 * len(phase.name) + 8:
            chart.write(begin + 4, chart.top - 8, phase.name, "phase")


def spread(wanted: Sequence[float], top: float, bottom: float, apart: float = LINE) -> list[float]:
    """Heights near those that are wanted, in their order, apart from each other and between two bounds.

    Example:
        >>> spread([10, 11, 60], 0, 62)
        [4.25, 16.75, 60.0]
    """
    groups: list[tuple[float, int]] = []  # mean height and size of labels that touch each other
    for height in wanted:
        groups.append((float(height), 1))
        while len(groups) > 1 and groups[-1][0] - groups[-2][0] < apart * (groups[-1][1] + groups[-2][1]) / 2:
            (first, size), (second, other) = groups[-2:]
            groups[-2:] = [((first * size + second * other) / (size + other), size + other)]
    heights = [middle + (number - (size - 1) / 2) * apart for middle, size in groups for number in range(size)]
    for number, height in enumerate(heights):
        least = top if number == 0 else heights[number - 1] + apart
        heights[number] = max(height, least)
    for number in reversed(range(len(heights))):
        most = bottom if number == len(heights) - 1 else heights[number + 1] - apart
        heights[number] = min(heights[number], most)
    return heights


def _name_lines(chart: Chart, trajectory: Trajectory, step: int) -> None:
    """The names of the likeliest options and of the shown one at the ends of their lines, and how many are left."""
    options, x = trajectory.choice.options, chart.across(step)
    named = [index for index in trajectory.order if index != trajectory.shown]
    if len(named) >= LABELS:
        named = named[: LABELS - 2]
    chosen = sorted([*named, trajectory.shown], key=lambda index: -trajectory.final[index])
    left = len(options) - len(chosen)
    ends = [chart.down(trajectory.final[index]) for index in chosen]
    rest = [chart.down(_mean(trajectory.final[index] for index in range(len(options)) if index not in chosen))]
    heights = spread([*ends, *(rest if left else [])], chart.top, chart.bottom - 2)
    for index, end, height in zip(chosen, ends, heights, strict=False):
        kind = "shown" if index == trajectory.shown else "other"
        if abs(end - height) > 4:
            chart.rule(x + 3, end, x + 8, height, "lead")
        chart.write(x + 10, height, f"{options[index]} {trajectory.final[index]:.2f}", kind)
    if left:
        chart.write(x + 10, heights[-1], f"{left} others", "other")


def _label(trajectory: Trajectory) -> str:
    options = trajectory.choice.options
    ends = ", ".join(f"{options[index]} {trajectory.final[index]:.2f}" for index in trajectory.order)
    taken = "left open" if trajectory.taken is None else f"taken {options[trajectory.taken]}"
    return f"Probabilities of {trajectory.choice.name} until step {trajectory.steps[-1]}; {taken}; in the end {ends}"


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0
