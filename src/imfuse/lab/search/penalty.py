"""What the expected time of a relaxed network adds to its search loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class TimePenalty:
    """lambda LAT, of the whole time; or lambda max(LAT - budget, 0), where there is a budget.

    Attributes:
        expected: from the probabilities of all options to the expected milliseconds of the network.
        overhead_ms: of a call of the Fuser round the network.
        weight: lambda, loss for each millisecond.
        budget_ms: that a whole call may take; None for no limit.
    """

    expected: Callable[[Mapping[str, Tensor]], Tensor]
    overhead_ms: float
    weight: float
    budget_ms: float | None = None

    def __call__(self, probabilities: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """What is added to the loss, and the expected milliseconds of a whole call."""
        milliseconds = self.expected(probabilities) + self.overhead_ms
        counted = milliseconds if self.budget_ms is None else (milliseconds - self.budget_ms).relu()
        return self.weight * counted, milliseconds
