"""The controls of `simulate`, checked."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from imfuse.errors import SourceError

FARTHEST_MISALIGNMENT = 100.0
"""Pixels."""


@dataclass(frozen=True)
class Controls:
    """How hard the scene is to see; the arguments of `simulate` say what each one means.

    Raises:
        SourceError: one is no number or out of its range.
    """

    darkness: float
    glare: float
    fog: float
    noise: float
    misalignment: float

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            _check_share(name, value, FARTHEST_MISALIGNMENT if name == "misalignment" else 1.0)


def check_whole(name: str, value: Any, low: int, high: int | None) -> None:
    """Refuse what is not a whole number from `low` to `high` (None: without end)."""
    is_whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_whole or value < low or (high is not None and value > high):
        wanted = f"from {low} to {high}" if high is not None else f"of {low} or more"
        raise SourceError(f"{name} is {value!r}; expected a whole number {wanted}")


def _check_share(name: str, value: Any, high: float) -> None:
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not is_number or not isfinite(value) or not 0 <= value <= high:
        raise SourceError(f"{name} is {value!r}; expected a number from 0 to {high:g}")
