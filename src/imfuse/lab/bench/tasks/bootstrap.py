"""How far scores of a whole set of images would move with other images: the percentile bootstrap (Efron 1979).

Every row of a table is scored over the same resamples, so that rows can be compared resample by resample.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESAMPLES = 500
FEW = 30
"""Images below which an interval is rough: it is too narrow then."""

TAILS = (2.5, 97.5)
"""Percentiles that end a 95 % interval."""


def draw_weights(images: int, resamples: int, seed: int) -> Floats:
    """How often each image is drawn in each resample: `(resamples, images)`."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(images, np.full(images, 1 / images), size=resamples).astype(np.float64)


def interval(samples: Floats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Ends of the 95 % intervals of `(resamples, columns)`; resamples that have no value (NaN) do not count."""
    columns = [column[~np.isnan(column)] for column in samples.T]
    ends = [np.percentile(column, TAILS) if column.size else (np.nan, np.nan) for column in columns]
    return tuple(float(low) for low, _ in ends), tuple(float(high) for _, high in ends)


def differences(names: Sequence[str], values: Sequence[float], samples: Sequence[Floats], column: str) -> str:
    """A sentence that gives each row's difference to the first row with its 95 % interval.

    Args:
        names: of the rows.
        values: of the rows in one column.
        samples: `(resamples,)` of that column, a row each, over the same resamples.
        column: its name.
    """
    parts = []
    for name, value, sample in zip(names[1:], values[1:], samples[1:], strict=True):
        (low,), (high,) = interval((sample - samples[0])[:, None])
        ends = "no interval" if np.isnan(low) else f"{low:+.3f} to {high:+.3f}"
        parts.append(f"{name} {value - values[0]:+.3f} ({ends})")
    return (
        f"Difference of {column} to {names[0]} over the same resamples, 95 %: {'; '.join(parts)}. "
        "Rows whose intervals overlap may still differ reliably, if this one leaves out 0."
    )
