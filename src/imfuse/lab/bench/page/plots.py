"""What the page draws: mean ranks, places in each metric, distributions over images, and quality against time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from imfuse.lab.bench.evaluation import Evaluation
from imfuse.lab.bench.page import svg
from imfuse.lab.bench.page.labels import place_labels
from imfuse.lab.bench.page.speed import Timing, pareto_front
from imfuse.lab.bench.statistics import Summary

Floats = NDArray[np.float64]

ROW = 22
POINTS = 80
"""Images of a method that are drawn as points; of more, the outermost."""

FILLED = 4
"""Methods up to which their areas of the radar are filled; more would hide each other."""

GOLDEN = (math.sqrt(5) - 1) / 2


def mean_ranks(evaluation: Evaluation, summary: Summary) -> Markup:
    """Mean rank of each method with its interval, best on top."""
    order = [i for i in summary.order if np.isfinite(summary.mean_ranks[i])]
    names = [evaluation.methods[i].name for i in order]
    colours = svg.series(evaluation)
    figure = svg.figure(380, 38 + (ROW + 4) * len(order))
    axes = svg.axes(figure, svg.label_width(names), 34, 40, 4)
    axes.set(xlim=(0.8, len(order) + 0.2), ylim=(len(order) - 0.4, -0.6))
    axes.yaxis.set_major_locator(NullLocator())
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.grid(axis="x", color=svg.GRID, linewidth=1)
    axes.set_axisbelow(True)
    axes.set_xlabel("mean rank, 1 is best", color=svg.MUTED, fontsize=11, labelpad=5)
    for y, i in enumerate(order):
        colour, rank = svg.stand_in(colours[i]), summary.mean_ranks[i]
        reference = evaluation.methods[i].kind == "reference"
        interval = (summary.mean_rank_low[i], summary.mean_rank_high[i])
        axes.plot(
            interval, (y, y), color=colour, linewidth=6, alpha=0.3, solid_capstyle="round", gid=f"data-method-{i}"
        )
        axes.plot(
            [rank], [y], "o", color=colour, markersize=10, markeredgewidth=2,
            markerfacecolor=svg.CARD if reference else colour, gid=f"data-method-{i}",
        )  # fmt: skip
        side = {"transform": axes.get_yaxis_transform()}
        svg.write(axes, -0.02, y, evaluation.methods[i].name, ha="right", **side)
        svg.write(axes, 1.03, y, f"{rank:.2f}", color=svg.MUTED, ha="left", **side)
    label = "; ".join(f"{name} {summary.mean_ranks[i]:.2f}" for name, i in zip(names, order, strict=True))
    return svg.inline(figure, "mean-ranks", f"Mean ranks with 95 % intervals: {label}")


def radar(evaluation: Evaluation, summary: Summary) -> Markup:
    """Place of each method between the worst and the best row in each ranked metric."""
    columns = [evaluation.metrics.index(name) for name in summary.ranked]
    angles = np.linspace(0, 2 * np.pi, len(columns), endpoint=False)
    figure = svg.figure(400, 370)
    axes = figure.add_axes((0.1, 0.0675, 0.8, 0.865), projection="polar", facecolor="none")
    axes.set_theta_zero_location("N")  # type: ignore[attr-defined]
    axes.set_theta_direction(-1)  # type: ignore[attr-defined]
    axes.set(ylim=(-0.25, 1.02), yticks=(0, 0.5, 1), yticklabels=())
    axes.set_xticks(angles, ["" for _ in columns])
    axes.grid(color=svg.GRID, linewidth=1)
    axes.spines["polar"].set_visible(False)
    for angle, column in zip(angles, columns, strict=True):
        side = -math.sin(angle)
        ha = "center" if abs(side) < 0.2 else "right" if side > 0 else "left"
        svg.write(axes, angle, 1.12, evaluation.metrics[column], ha=ha, fontsize=12.5)
    colours = svg.series(evaluation)
    own = [i for i, method in enumerate(evaluation.methods) if method.kind != "reference"]
    filled = own if len(own) <= FILLED else []
    for i in reversed(range(len(evaluation.methods))):
        places = summary.normalised[i, columns]
        if not np.isfinite(places).all():
            continue
        reference, colour = evaluation.methods[i].kind == "reference", svg.stand_in(colours[i])
        closed = np.append(angles, angles[0]), np.append(places, places[0])
        axes.plot(
            *closed, color=colour, linewidth=1.8 if reference else 2.4, gid=f"data-method-{i}",
            linestyle=(0, (2, 2)) if reference else svg.dash(i),
        )  # fmt: skip
        axes.plot(angles, places, "o", markersize=4.5, color=colour, gid=f"data-method-{i}")
        if i in filled:
            axes.fill(*closed, color=colour, alpha=0.06, linewidth=0, gid=f"data-method-{i}")
    label = "Place of each method between the worst (centre) and the best (rim) of each metric, as in the heat map"
    return svg.inline(figure, "radar", label)


def distribution(evaluation: Evaluation, metric: str, order: Sequence[int]) -> Markup:
    """Values of all images for each method: a point an image, box of the quartiles, whiskers to 1.5 times the box."""
    column = evaluation.metrics.index(metric)
    names = [evaluation.methods[i].name for i in order]
    colours = svg.series(evaluation)
    figure = svg.figure(360, 30 + ROW * len(names))
    axes = svg.axes(figure, svg.label_width(names, 11), 24, 12, 6)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.yaxis.set_major_locator(NullLocator())
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.xaxis.get_major_formatter().set_useOffset(False)  # type: ignore[attr-defined]
    axes.grid(axis="x", color=svg.GRID, linewidth=1)
    axes.set_axisbelow(True)
    for y, i in enumerate(order):
        svg.write(axes, -0.025, y, names[y], ha="right", fontsize=11, transform=axes.get_yaxis_transform())
        _draw_row(axes, y, i, evaluation.values[i, column], svg.stand_in(colours[i]))
    label = f"Distribution of {metric} over the images for each method"
    return svg.inline(figure, f"distribution-{column}", label)


def _draw_row(axes: Axes, y: int, method: int, values: Floats, colour: str) -> None:
    scenes = np.flatnonzero(np.isfinite(values))
    if not len(scenes):
        return
    low, median, high = np.percentile(values[scenes], (25, 50, 75))
    reach = 1.5 * (high - low)
    inside = values[scenes][(values[scenes] >= low - reach) & (values[scenes] <= high + reach)]
    scenes = scenes[np.argsort(-np.abs(values[scenes] - median), kind="stable")[:POINTS]]
    mark = f"data-method-{method}"
    axes.plot((inside.min(), inside.max()), (y, y), color=colour, linewidth=1.2, gid=mark)
    axes.barh(y, high - low, 0.56, low, color=svg.CARD, edgecolor=colour, linewidth=1.2, zorder=2, gid=mark)
    axes.barh(y, high - low, 0.56, low, color=colour, alpha=0.22, linewidth=0, zorder=2.1, gid=mark)
    axes.plot((median, median), (y - 0.28, y + 0.28), color=colour, linewidth=2.6, gid=mark, zorder=3)
    spread = (scenes * GOLDEN % 1 - 0.5) * 0.5  # even, and the same in every drawing
    points = f"data-points-{method}:{'.'.join(str(scene) for scene in scenes)}"
    axes.scatter(values[scenes], y + spread, s=11, color=colour, alpha=0.75, linewidths=0, zorder=4, gid=points)


def pareto(evaluation: Evaluation, timings: Sequence[Timing]) -> Markup:
    """Mean rank against milliseconds, with the methods that no other beats in both."""
    figure = svg.figure(560, 380)
    axes = svg.axes(figure, 48, 46, 16, 14)
    x, y = [timing.milliseconds for timing in timings], [timing.mean_rank for timing in timings]
    axes.set_xscale("log")
    axes.set(xlim=(min(x) / 1.8, max(x) * 1.8), ylim=(max(max(y) + 0.7, 2), max(min(y) - 0.7, 0.5)))
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(color=svg.GRID, linewidth=1)
    axes.set_axisbelow(True)
    axes.set_xlabel("milliseconds an image, fast to the left", color=svg.MUTED, fontsize=12)
    axes.set_ylabel("mean rank, better upwards", color=svg.MUTED, fontsize=12)
    front = [timings[i] for i in pareto_front(timings)]
    axes.step(
        [timing.milliseconds for timing in front] + [axes.get_xlim()[1]],
        [timing.mean_rank for timing in front] + [front[-1].mean_rank],
        where="post", color=svg.MUTED, linewidth=1.5, linestyle=(0, (4, 3)), gid="data-front-1",
    )  # fmt: skip
    colours = svg.series(evaluation)
    for timing in timings:
        colour = svg.stand_in(colours[timing.method])
        face = colour if timing in front else svg.CARD
        axes.plot(
            [timing.milliseconds], [timing.mean_rank], "o", color=colour, markerfacecolor=face, markersize=10,
            markeredgewidth=2.5, gid=f"data-method-{timing.method}",
        )  # fmt: skip
    place_labels(axes, x, y, [timing.label for timing in timings])
    label = "; ".join(f"{t.label}: mean rank {t.mean_rank:.2f}, {t.milliseconds:.3g} ms" for t in timings)
    return svg.inline(figure, "pareto", f"Mean rank against time. {label}")
