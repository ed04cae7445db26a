"""Axes of charts: ranges, where a value lies in them, and ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

SPREAD = 0.06
"""Part of the range that is left free at either end."""

SMALLEST = 1e-12
"""Values below it are drawn as zeros."""


@dataclass(frozen=True)
class Axis:
    """A range of values, even in the values or in their logarithms.

    Attributes:
        low: value at the beginning.
        high: value at the end, above `low`.
        log: whether equal factors take equal lengths.

    Example:
        >>> Axis(0, 400).share(100), Axis(1, 100, log=True).share(10)
        (0.25, 0.5)
    """

    low: float
    high: float
    log: bool = False

    @classmethod
    def around(cls, values: Iterable[float], log_from: float = math.inf) -> Axis:
        """An axis that holds finite values with some space around; logarithmic where they span so large a factor.

        Example:
            >>> Axis.around([2.0, 4.0]).low < 2.0, Axis.around([]), Axis.around([1.0, 50.0], log_from=10).log
            (True, Axis(low=0.0, high=1.0, log=False), True)
        """
        finite = [value for value in values if math.isfinite(value)]
        if not finite:
            return cls(0.0, 1.0)
        low, high = min(finite), max(finite)
        size = max(abs(low), abs(high))
        if size < SMALLEST:
            return cls(low - 1, high + 1)
        if SMALLEST <= low * log_from <= high:
            factor = (high / low) ** SPREAD
            return cls(low / factor, high * factor, log=True)
        space = SPREAD * (high - low) if high - low > 1e-9 * size else 0.1 * size
        return cls(low - space, high + space)

    def share(self, value: float) -> float:
        """Where a value lies, from 0 at the beginning to 1 at the end; not beyond."""
        if self.log:
            value = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
            return min(value, 1.0)
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    def ticks(self, most: int = 5) -> list[float]:
        """Round numbers inside.

        Example:
            >>> Axis(0, 1).ticks(), Axis(3, 70, log=True).ticks()
            ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [5.0, 10.0, 20.0, 50.0])
        """
        return self._log_ticks(most) if self.log else self._even_ticks(most)

    def _even_ticks(self, most: int) -> list[float]:
        rough = (self.high - self.low) / most
        power = 10 ** math.floor(math.log10(rough))
        step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        # Rounded, as a product of a tenth is not the round number that is meant.
        return [float(f"{number * step:.12g}") for number in range(first, last + 1)]

    def _log_ticks(self, most: int) -> list[float]:
        exponents = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for factors in ((1, 2, 5), (1, 3), (1,)):
            found = [factor * 10.0**exponent for exponent in exponents for factor in factors]
            inside = [float(f"{tick:.12g}") for tick in found if self.low <= tick <= self.high]
            if len(inside) <= most:
                break
        return inside if len(inside) > 1 else self._even_ticks(most)
