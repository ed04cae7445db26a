"""Tests between methods as the page shows them: how likely by chance, and who was better."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from imfuse.lab.bench.evaluation import Evaluation
from imfuse.lab.bench.page.values import p_text
from imfuse.lab.bench.statistics import Summary
from imfuse.lab.bench.statistics.ranking import equal, oriented
from imfuse.lab.bench.statistics.significance import LEVEL

Floats = NDArray[np.float64]


def p_values(summary: Summary) -> Floats:
    """Corrected p-values `(1 + metrics, methods, methods)`: of the mean rank of each image, then of each metric."""
    return np.concatenate([summary.rank_tests.corrected[None], summary.metric_tests.corrected])


def directions(evaluation: Evaluation, summary: Summary) -> NDArray[np.int64]:
    """Who was better, for each of `p_values`: 1 the row, -1 the column, 0 neither."""
    used = np.where(summary.compared[None], evaluation.values, np.nan)
    better = oriented(used, evaluation.metrics).transpose(1, 0, 2)
    return np.stack([pairwise_directions(each) for each in [-summary.scene_mean_ranks, *better]])


def pairwise_directions(values: Floats) -> NDArray[np.int64]:
    """Sign of the signed ranks' sum between every two rows of `(methods, scenes)`, as the signed-rank test weighs them.

    >>> pairwise_directions(np.array([[3.0, 5.0, np.nan], [1.0, 4.0, 9.0]]))
    array([[ 0,  1],
           [-1,  0]])
    """
    return np.array([[_direction(first, second) for second in values] for first in values], dtype=np.int64)


def _direction(first: Floats, second: Floats) -> int:
    """Infinities that are equal differ by nothing, and so do values that are equal but for rounding."""
    differ = ~equal(first, second) & ~np.isnan(first) & ~np.isnan(second)
    difference = first[differ] - second[differ]
    return int(np.sign((np.sign(difference) * rankdata(np.abs(difference))).sum())) if len(difference) else 0


def test_rows(summary: Summary, order: list[int]) -> list[dict[str, Any]]:
    """Rows of the matrix for the mean rank of each image."""
    p, direction = summary.rank_tests.corrected, pairwise_directions(-summary.scene_mean_ranks)
    words = {1: "better", -1: "worse", 0: ""}
    return [
        {
            "index": i,
            "cells": [
                {"p": p_text(p[i, j]), "verdict": words[direction[i, j]] if p[i, j] < LEVEL else "", "same": i == j}
                for j in order
            ],
        }
        for i in order
    ]
