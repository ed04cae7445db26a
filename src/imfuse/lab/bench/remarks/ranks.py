"""Warnings on the ranking: what does not hold of a lead, and what a lead rests on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from imfuse.lab.bench.evaluation import AVERAGE, MAXIMUM, Evaluation
from imfuse.lab.bench.remarks.data import listed
from imfuse.lab.bench.remarks.noise import NoiseLevels
from imfuse.lab.bench.statistics import Summary
from imfuse.lab.bench.statistics.ranking import equal
from imfuse.lab.bench.statistics.significance import LEVEL
from imfuse.lab.bench.tables.rows import image_count
from imfuse.lab.metrics.registry import METRICS

IN_WORDS = {AVERAGE: "pixel average", MAXIMUM: "pixel maximum"}
NOISIER, LEVELS = 1.5, 0.75
"""How much more noise than the sources is remarked on: so many times as much, and so many of 255 levels more.

On road, night, military and photographic scenes fusion by pyramids and by networks stays within 0.2 levels of the
sources, while noise with a deviation of two levels adds at least 0.9, and strong sharpening about as much.
"""
ROUNDED = 0.005
"""Mean ranks within images that differ by less look the same in print."""


def rank_remarks(evaluation: Evaluation, summary: Summary, noise: NoiseLevels) -> Iterator[str]:
    """Warnings on the ranking, the most important first."""
    methods = [index for index in summary.order if evaluation.methods[index].kind != "reference"]
    methods = [index for index in methods if not np.isnan(summary.mean_ranks[index])]
    if methods:
        yield from _references_ahead(evaluation, summary, methods[0])
        yield from _not_told_apart(evaluation, summary, methods[0])
        yield from _image_by_image(evaluation, summary, methods)
        yield from _lead_by_noise(evaluation, summary, methods)
    yield from _noisy_images(evaluation, summary, noise)
    yield from _references_best(evaluation, summary)
    yield from _no_better_than_references(evaluation, summary, methods)


def _references_ahead(evaluation: Evaluation, summary: Summary, first: int) -> Iterator[str]:
    names, ranks = [method.name for method in evaluation.methods], summary.mean_ranks
    ahead = [index for index in summary.order if index in _references(evaluation) and ranks[index] < ranks[first]]
    if ahead:
        figures = listed([f"the {IN_WORDS[names[index]]} ({ranks[index]:.1f})" for index in ahead])
        yield f"No method has as good a mean rank as {figures}; the best is {names[first]} ({ranks[first]:.1f})."


def _not_told_apart(evaluation: Evaluation, summary: Summary, first: int) -> Iterator[str]:
    names, p = [method.name for method in evaluation.methods], summary.rank_tests.corrected[first]
    alike = [f"{names[index]} (p = {p[index]:.2g})" for index in summary.order if index != first and p[index] >= LEVEL]
    if alike:
        images = image_count(int(summary.ranked_scenes.sum()))
        yield (
            f"Ranks over {images} do not tell {names[first]} from {listed(alike)}: signed-rank test, Holm's correction."
        )


def _image_by_image(evaluation: Evaluation, summary: Summary, methods: list[int]) -> Iterator[str]:
    names = [method.name for method in evaluation.methods]
    within = np.nanmean(summary.scene_mean_ranks[methods], axis=1)
    first, other = methods[0], methods[int(np.argmin(within))]
    if within[0] - within.min() > ROUNDED:
        yield (
            f"Ranked image by image {names[other]} leads ({within.min():.2f}), not {names[first]} ({within[0]:.2f}): "
            "the lead in the means does not hold of the usual image."
        )


def _lead_by_noise(evaluation: Evaluation, summary: Summary, methods: list[int]) -> Iterator[str]:
    names, first = [method.name for method in evaluation.methods], methods[0]
    noisy, ranks = _noisy_metrics(summary), summary.mean_ranks_without_noise
    if len(noisy) == len(summary.ranked):
        yield f"Every metric of the mean rank gets better with noise in the image: {listed(noisy)}."
        return
    best = min(methods, key=ranks.__getitem__)
    leads = sum(equal(summary.mean_ranks[methods], summary.mean_ranks[first])) == 1
    if leads and ranks[best] < ranks[first]:
        yield (
            f"The lead of {names[first]} rests on {listed(noisy)}, which noise in the image also raises; without them "
            f"{names[best]} leads with a mean rank of {ranks[best]:.2f} against {ranks[first]:.2f}."
        )


def _noisy_metrics(summary: Summary) -> list[str]:
    """The metrics of the mean rank that reward noise."""
    return [name for name in summary.ranked if METRICS[name].rewards_noise]


def _noisy_images(evaluation: Evaluation, summary: Summary, noise: NoiseLevels) -> Iterator[str]:
    for index, (method, levels) in enumerate(zip(evaluation.methods, noise.fused, strict=True)):
        seen = ~np.isnan(levels)
        fused, sources = (float(np.median(each[seen])) if seen.any() else 0.0 for each in (levels, noise.sources))
        if fused > NOISIER * sources and fused > LEVELS + sources:
            yield (
                f"{method.name} adds noise or sharpens it: where the sources are smooth its noise has a deviation of "
                f"{fused:.1f} of 255 levels, theirs {sources:.1f} (median of {image_count(int(seen.sum()))})"
                f"{_gain_by_noise(summary, index)}."
            )


def _gain_by_noise(summary: Summary, index: int) -> str:
    """What the metrics that reward noise give to the mean rank of a method, as the end of a sentence."""
    noisy, ranks = _noisy_metrics(summary), summary.mean_ranks_without_noise
    if not noisy or not ranks[index] > summary.mean_ranks[index]:
        return ""
    change = f"{ranks[index]:.1f}, not {summary.mean_ranks[index]:.1f}"
    return f". Noise raises {listed(noisy)}; without them its mean rank is {change}"


def _references_best(evaluation: Evaluation, summary: Summary) -> Iterator[str]:
    for index in _references(evaluation):
        beaten = []
        for column, metric in enumerate(evaluation.metrics):
            best = np.flatnonzero(summary.best_method[:, column])
            if len(best) and summary.ranks[index, column] < summary.ranks[best[0], column]:
                means = summary.compared_means[:, column]
                if _printed(float(means[index])) != _printed(float(means[best[0]])):
                    beaten.append(_figures(evaluation, means, metric, index, int(best[0])))
        if beaten:
            every = len(beaten) == len(evaluation.metrics) > 1
            yield (
                f"The {IN_WORDS[evaluation.methods[index].name]} is better than every method in "
                f"{'every metric: ' if every else ''}{listed(beaten, most=len(beaten))}"
                f"{'.' if every else ': a lead among the methods in these alone says little.'}"
            )


def _figures(evaluation: Evaluation, means: NDArray[np.float64], metric: str, reference: int, best: int) -> str:
    return f"{metric} ({_printed(means[reference])}; {evaluation.methods[best].name} {_printed(means[best])})"


def _printed(mean: float) -> str:
    return f"{mean:.3g}"


def _no_better_than_references(evaluation: Evaluation, summary: Summary, methods: list[int]) -> Iterator[str]:
    """Methods that beat all others in nothing but what a reference beats these others in as well."""
    columns = [evaluation.metrics.index(name) for name in summary.ranked]
    for index in methods if len(methods) > 1 else []:
        others = summary.ranks[[other for other in methods if other != index]][:, columns].min(axis=0)
        won = summary.ranks[index, columns] < others
        too = [row for row in _references(evaluation) if (summary.ranks[row, columns] < others)[won].all()]
        if won.any() and too:
            metrics = [name for name, is_won in zip(summary.ranked, won, strict=True) if is_won]
            references = " and ".join(f"the {IN_WORDS[evaluation.methods[row].name]}" for row in too)
            every = len(metrics) == len(evaluation.metrics) > 1
            where = "in every metric" if every else f"only in {listed(metrics, most=len(metrics))}"
            yield (
                f"{evaluation.methods[index].name} beats the other methods {where}, where {references} would beat "
                "them too."
            )


def _references(evaluation: Evaluation) -> list[int]:
    return [index for index, method in enumerate(evaluation.methods) if method.kind == "reference"]
