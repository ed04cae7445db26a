"""Warnings on what was measured: missing and few images, equal methods, infinite values, other conventions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from imfuse.lab.bench.evaluation import Evaluation
from imfuse.lab.bench.statistics import Summary
from imfuse.lab.bench.statistics.significance import LEVEL, fewest_images
from imfuse.lab.bench.tables.rows import image_count
from imfuse.lab.metrics.registry import IMFUSE

FEW = 20
"""Images below which intervals are called wide."""
MOST_NAMES = 5
"""Names that a sentence lists before it counts the rest."""


def data_remarks(evaluation: Evaluation, summary: Summary) -> Iterator[str]:
    """Warnings on the data, the most important first."""
    yield from _missing_images(evaluation, summary)
    yield from _few_images(evaluation, summary)
    yield from _unranked_metrics(evaluation, summary)
    yield from _equal_methods(evaluation)
    yield from _infinite_values(evaluation)
    yield from _other_conventions(evaluation)


def listed(items: Sequence[str], most: int = MOST_NAMES) -> str:
    """Items as a sentence lists them.

    Example:
        >>> listed(["a", "b", "c"]), listed(["a", "b", "c", "d"], most=2)
        ('a, b and c', 'a, b and 2 more')
    """
    shown = list(items) if len(items) <= most else [*items[:most], f"{len(items) - most} more"]
    return " and ".join(([", ".join(shown[:-1])] if len(shown) > 1 else []) + shown[-1:])


def _missing_images(evaluation: Evaluation, summary: Summary) -> Iterator[str]:
    count = len(evaluation.scenes)
    named = list(zip((method.name for method in evaluation.methods), summary.images, strict=True))
    empty = [name for name, images in named if not images]
    lacking = [f"{name} lacks {count - images}" for name, images in named if 0 < images < count]
    if empty:
        yield f"{listed(empty)} {_has(empty)} no image that could be measured, and no rank."
    if not lacking:
        return
    if summary.ranked_scenes.any():
        compared = f"{summary.ranked_scenes.sum()} of {image_count(count)}"
        yield f"Ranks and tests are over the {compared} that every method has: {listed(lacking)}."
    else:
        yield f"No image is there of every method, so nothing is ranked: of {image_count(count)} {listed(lacking)}."


def _few_images(evaluation: Evaluation, summary: Summary) -> Iterator[str]:
    count = int(summary.ranked_scenes.sum())
    if not summary.ranked:
        return
    if count < FEW:
        yield from _wide_interval(evaluation, summary, count)
    rows = int((~np.isnan(summary.mean_ranks)).sum())
    pairs = rows * (rows - 1) // 2
    if pairs and count < fewest_images(pairs):
        yield (
            f"With {rows} rows ({pairs} pair{'' if pairs == 1 else 's'}) at least {fewest_images(pairs)} images are "
            f"needed before any difference could show at p < {LEVEL}; here {'is' if count == 1 else 'are'} {count}."
        )


def _wide_interval(evaluation: Evaluation, summary: Summary, count: int) -> Iterator[str]:
    if count == 1:
        yield "Only 1 image: how methods would rank on others cannot be told, and the intervals are empty."
        return
    first = summary.order[0]
    name, rank = evaluation.methods[first].name, summary.mean_ranks[first]
    low, high = summary.mean_rank_low[first], summary.mean_rank_high[first]
    if not high > low:
        yield f"Only {count} images: on others the methods may well rank otherwise."
        return
    yield (
        f"Only {count} images: the mean rank of {name}, {rank:.1f}, has a 95 % interval from {low:.1f} to {high:.1f}. "
        f"That is {high - low:.1f} wide and, as always over so few images, rather too narrow."
    )


def _unranked_metrics(evaluation: Evaluation, summary: Summary) -> Iterator[str]:
    if not summary.ranked_scenes.any():
        return
    for metric in evaluation.ranked:
        if metric not in summary.ranked:
            lacks = np.isnan(evaluation.values[:, evaluation.metrics.index(metric)]).all(axis=1) & (summary.images > 0)
            names = [method.name for method, none in zip(evaluation.methods, lacks, strict=True) if none]
            yield f"{metric} is left out of the mean rank, because {listed(names)} {_has(names)} no value of it."


def _equal_methods(evaluation: Evaluation) -> Iterator[str]:
    values, methods = evaluation.values, evaluation.methods
    told: set[int] = set()
    for i, first in enumerate(methods):
        for j in range(i + 1, len(methods)):
            both = ~np.isnan(values[[i, j]]).all(axis=1).any(axis=0)
            same = both & ((values[i] == values[j]) | np.isnan(values[[i, j]]).all(axis=0)).all(axis=0)
            if j in told or not same.any() or first.kind == methods[j].kind == "reference":
                continue
            told.add(j)
            share = "every image" if same.sum() == both.sum() else f"{same.sum()} of {image_count(int(both.sum()))}"
            yield f"{first.name} and {methods[j].name} have the same values in {share}: are the pictures the same?"


def _infinite_values(evaluation: Evaluation) -> Iterator[str]:
    for column, metric in enumerate(evaluation.metrics):
        counts = np.isinf(evaluation.values[:, column]).sum(axis=1)
        named = zip(evaluation.methods, counts, strict=True)
        held = [f"{method.name} ({image_count(int(count))})" for method, count in named if count]
        if held:
            yield f"{metric} is infinite for {listed(held)}; a single such image makes the mean infinite."


def _other_conventions(evaluation: Evaluation) -> Iterator[str]:
    others = [f"{metric} ({name})" for metric, name in evaluation.conventions.items() if name != IMFUSE]
    if others:
        yield f"By a convention other than imfuse's: {listed(others)}. Compare these only with values of the same one."


def _has(names: Sequence[str]) -> str:
    return "has" if len(names) == 1 else "have"
