"""Weights of loss terms that change in the course of a training (no torch)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from imfuse.errors import RecipeError

Shape = Literal["linear", "cosine", "step"]


@dataclass(frozen=True)
class Schedule:
    """A weight that goes from one value to another while a training goes from `start` to `end`.

    Attributes:
        first: weight up to `start`.
        last: weight from `end` on.
        start: share of the training that is done when the weight begins to change, in [0, 1].
        end: share when it has changed, from `start` to 1.
        shape: `linear`; `cosine`, half a wave, slow at both ends; `step`, `first` until `end` and `last` from there.

    Raises:
        RecipeError: a value out of its range.

    Example:
        >>> Schedule(first=0.0, last=2.0, start=0.5).at(0.75)
        1.0
    """

    first: float
    last: float
    start: float = 0.0
    end: float = 1.0
    shape: Shape = "linear"

    def __post_init__(self) -> None:
        for name in ("first", "last", "start", "end"):
            value = getattr(self, name)
            if not is_number(value):
                raise RecipeError(f"{name}: {value!r}; expected a finite number")
        if not 0 <= self.start <= self.end <= 1:
            raise RecipeError(f"start {self.start}, end {self.end}; expected 0 <= start <= end <= 1")
        if self.shape not in get_args(Shape):
            raise RecipeError(f"shape: {self.shape!r}; expected {', '.join(get_args(Shape))}")

    def at(self, progress: float) -> float:
        """The weight when this share of the training is done."""
        if progress < self.start or (self.shape == "step" and progress < self.end):
            return self.first
        if progress >= self.end:
            return self.last
        share = (progress - self.start) / (self.end - self.start)
        if self.shape == "cosine":
            share = (1 - math.cos(math.pi * share)) / 2
        return self.first + share * (self.last - self.first)


Weight = float | Schedule


def read_weight(value: Any) -> Weight:
    """A weight as a recipe writes it: a number, or the fields of a `Schedule`.

    Raises:
        RecipeError: neither of the two.

    Example:
        >>> read_weight({"first": 1, "last": 0, "end": 0.5})
        Schedule(first=1, last=0, start=0.0, end=0.5, shape='linear')
    """
    if is_number(value):
        return float(value)
    if isinstance(value, Schedule):
        return value
    if not isinstance(value, Mapping):
        raise RecipeError(f"{value!r}; expected a finite number, or a schedule such as {{first: 0, last: 1, end: 0.5}}")
    known = [field.name for field in fields(Schedule)]
    unknown = [str(name) for name in value if name not in known]
    missing = [name for name in ("first", "last") if name not in value]
    if unknown or missing:
        problem = f"unknown {', '.join(unknown)}" if unknown else f"{' and '.join(missing)} missing"
        raise RecipeError(f"schedule {dict(value)}: {problem}; its fields are {', '.join(known)}")
    return Schedule(**value)


def is_number(value: Any) -> bool:
    """Whether it is a finite number; yes and no are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
