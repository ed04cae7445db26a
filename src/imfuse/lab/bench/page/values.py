"""Numbers as the page shows them, and the images that are worth a look."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from imfuse.lab.bench.evaluation import Evaluation
from imfuse.lab.bench.statistics.ranking import oriented
from imfuse.lab.bench.tables.rows import fixed

Floats = NDArray[np.float64]


def decimals(values: Floats) -> int:
    """Decimals with which `fixed` writes values.

    >>> decimals(np.array([7.3, 41.2]))
    2
    """
    return max((len(text.partition(".")[2]) for text in fixed(values.ravel())), default=0)


def p_text(p: float) -> str:
    """A p-value with its usual digits.

    >>> p_text(0.00004), p_text(0.0123), p_text(0.7), p_text(float("nan"))
    ('< 0.001', '0.012', '0.70', '–')
    """
    if math.isnan(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def as_json(values: Floats) -> list[object]:
    """Nested lists with five significant digits; null for NaN, a text for infinities, which JSON has not."""
    if values.ndim:
        return [as_json(value) for value in values]
    value = float(values)
    return None if math.isnan(value) else float(f"{value:.5g}") if math.isfinite(value) else str(value)  # type: ignore[return-value]


def worst_images(evaluation: Evaluation, metric: str) -> list[int]:
    """Scenes by the worst value that any method has in a metric, worst first; references do not count."""
    column = evaluation.metrics.index(metric)
    better = oriented(evaluation.values, evaluation.metrics)[:, column]
    own = [method.kind != "reference" for method in evaluation.methods]
    lowest = np.where(np.isnan(better), np.inf, better)[own if any(own) else slice(None)].min(axis=0, initial=np.inf)
    return [int(scene) for scene in np.argsort(lowest, kind="stable") if lowest[scene] < np.inf]
