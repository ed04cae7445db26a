"""What an evaluation says: means, ranks, their intervals over images, and which methods can be told apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imfuse.lab.bench.evaluation import Evaluation
from imfuse.lab.bench.statistics.ranking import leaders, normalised, oriented, ranks
from imfuse.lab.bench.statistics.resampling import deviations, mean_intervals, mean_rank_intervals, means
from imfuse.lab.bench.statistics.significance import PairedTests, pairwise
from imfuse.lab.metrics.registry import METRICS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

WORST = 5
"""Images that are named as the worst of a method in a metric."""


@dataclass(frozen=True, eq=False)
class Summary:
    """Statistics of an evaluation. Axes are those of `Evaluation`: methods m, metrics k, scenes s.

    Means, deviations and their intervals are over the images that each method has. Whatever compares methods (ranks,
    marks, places, tests) is over the scenes that all methods have. NaN stands where there is nothing to compute from;
    an infinite value, such as the PSNR of a perfect image, makes the mean infinite and the deviation NaN.

    Attributes:
        counts: `(m, k)`, images that each mean is over.
        images: `(m,)`, images that each method has: those with a value in any metric.
        means: `(m, k)`.
        deviations: `(m, k)`, sample standard deviation (n - 1) over images.
        mean_low: `(m, k)`, lower end of the 95 % bootstrap interval of the mean over images.
        mean_high: `(m, k)`, its upper end.
        compared: `(k, s)`, the scenes over which methods are compared in each metric: those that every method has
            that was measured by the metric at all.
        compared_means: `(m, k)`, means over `compared`; equal to `means` where no image is missing.
        ranks: `(m, k)`, ranks of `compared_means`, 1 is best, equals share the better rank.
        best: `(m, k)`, whether a method is the best of the column, references included; more than one for equals.
        second: `(m, k)`, whether it is the next after the best.
        best_method: `(m, k)`, whether it is the best of those that are no references.
        normalised: `(m, k)`, 0 for the worst and 1 for the best `compared_means` of the rows, linear between.
        ranked: the metrics that the mean rank is over: those of `Evaluation.ranked` that measured every method.
        ranked_scenes: `(s,)`, the scenes that the mean rank is over.
        mean_ranks: `(m,)`, mean of `ranks` over `ranked`.
        mean_rank_low: `(m,)`, lower end of its 95 % bootstrap interval over images.
        mean_rank_high: `(m,)`, its upper end.
        mean_ranks_without_noise: `(m,)`, mean of `ranks` over those of `ranked` that noise in the image does not
            better; NaN where there are none.
        order: methods by mean rank, best first, as indices; methods without one come last.
        scene_ranks: `(m, k, s)`, ranks within each scene of `compared`.
        scene_mean_ranks: `(m, s)`, their mean over `ranked`.
        worst: `(m, k, WORST)`, indices of the scenes of each method's worst values, worst first; -1 where there are
            no more.
        metric_tests: p-values `(k, m, m)` over the images of `compared`.
        rank_tests: p-values `(m, m)` of `scene_mean_ranks`.
        resamples: of the bootstrap.
        seed: of the bootstrap.
    """

    counts: Integers
    images: Integers
    means: Floats
    deviations: Floats
    mean_low: Floats
    mean_high: Floats
    compared: Flags
    compared_means: Floats
    ranks: Floats
    best: Flags
    second: Flags
    best_method: Flags
    normalised: Floats
    ranked: tuple[str, ...]
    ranked_scenes: Flags
    mean_ranks: Floats
    mean_rank_low: Floats
    mean_rank_high: Floats
    mean_ranks_without_noise: Floats
    order: tuple[int, ...]
    scene_ranks: Floats
    scene_mean_ranks: Floats
    worst: Integers
    metric_tests: PairedTests
    rank_tests: PairedTests
    resamples: int
    seed: int


def summarise(evaluation: Evaluation, *, resamples: int = 2000, seed: int = 0) -> Summary:
    """Compute the statistics of an evaluation.

    Args:
        evaluation: what was measured.
        resamples: draws of the bootstrap.
        seed: of the bootstrap; the same seed gives the same intervals.
    """
    values, measured = evaluation.values, ~np.isnan(evaluation.values)
    ranked, compared, ranked_scenes = _comparison(evaluation, measured)
    columns = [evaluation.metrics.index(name) for name in ranked]
    quiet = [evaluation.metrics.index(name) for name in ranked if not METRICS[name].rewards_noise]
    mean_low, mean_high = mean_intervals(values, measured, resamples, seed)

    used = compared & measured
    better = oriented(np.where(used, values, np.nan), evaluation.metrics)
    compared_means = means(values, used)
    better_means = oriented(compared_means, evaluation.metrics)
    column_ranks, scene_ranks = ranks(better_means), ranks(better)
    best, second = leaders(column_ranks)
    own = np.array([[method.kind != "reference"] for method in evaluation.methods])
    best_method, _ = leaders(np.where(own, column_ranks, np.nan))

    mean_ranks, scene_mean_ranks = _mean_ranks(column_ranks, columns), _mean_ranks(scene_ranks, columns)
    rank_low, rank_high = np.full((2, len(values)), np.nan)
    if ranked:
        present = ~np.isnan(mean_ranks)
        sample = better[present][:, columns][..., ranked_scenes]
        rank_low[present], rank_high[present] = mean_rank_intervals(sample, resamples, seed)
    return Summary(
        counts=measured.sum(axis=2),
        images=measured.any(axis=1).sum(axis=1),
        means=means(values, measured),
        deviations=deviations(values, measured),
        mean_low=mean_low,
        mean_high=mean_high,
        compared=compared,
        compared_means=compared_means,
        ranks=column_ranks,
        best=best,
        second=second,
        best_method=best_method,
        normalised=normalised(better_means),
        ranked=ranked,
        ranked_scenes=ranked_scenes,
        mean_ranks=mean_ranks,
        mean_rank_low=rank_low,
        mean_rank_high=rank_high,
        mean_ranks_without_noise=_mean_ranks(column_ranks, quiet),
        order=tuple(int(index) for index in np.argsort(mean_ranks, kind="stable")),
        scene_ranks=scene_ranks,
        scene_mean_ranks=scene_mean_ranks,
        worst=_worst(oriented(values, evaluation.metrics)),
        metric_tests=_metric_tests(better),
        rank_tests=pairwise(scene_mean_ranks),
        resamples=resamples,
        seed=seed,
    )


def _comparison(evaluation: Evaluation, measured: Flags) -> tuple[tuple[str, ...], Flags, Flags]:
    """The metrics that the mean rank can be over, the scenes to compare in each metric, and those of the mean rank.

    A method without any image holds nobody back, and a metric that some method never has is not ranked over.
    """
    measured = measured[measured.any(axis=(1, 2))]
    ever: Flags = np.any(measured, axis=2)
    compared: Flags = np.all(measured | ~ever[..., None], axis=0) & np.any(ever, axis=0)[:, None]
    names = [name for name in evaluation.ranked if ever[:, evaluation.metrics.index(name)].all()]
    columns = [evaluation.metrics.index(name) for name in names]
    scenes: Flags = np.all(compared[columns] if columns else measured.any(axis=1), axis=0)
    if not scenes.any():
        return (), compared, scenes
    compared[columns] = scenes
    return tuple(names), compared, scenes


def _mean_ranks(ranked: Floats, columns: list[int]) -> Floats:
    """Mean over the columns of ranks `(m, k, ...)`; NaN where any is missing, and without columns."""
    return ranked[:, columns].mean(axis=1) if columns else np.full((len(ranked), *ranked.shape[2:]), np.nan)


def _worst(better: Floats) -> Integers:
    """Indices of the worst scenes `(m, k, WORST)` of values where higher is better, -1 for none."""
    order = np.argsort(better, axis=2, kind="stable")[..., :WORST]  # NaN last
    order = np.where(np.isnan(np.take_along_axis(better, order, axis=2)), -1, order)
    return np.pad(order, ((0, 0), (0, 0), (0, WORST - order.shape[2])), constant_values=-1)


def _metric_tests(better: Floats) -> PairedTests:
    tests = [pairwise(better[:, column]) for column in range(better.shape[1])]
    shape = (better.shape[1], len(better), len(better))
    return PairedTests(
        np.array([test.raw for test in tests]).reshape(shape),
        np.array([test.corrected for test in tests]).reshape(shape),
    )
