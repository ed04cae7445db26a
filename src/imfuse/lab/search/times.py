"""The times of all networks of a space, from a table of the times of their parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class Times:
    """What a search asks of a latency table.

    Attributes:
        network_ms: milliseconds of the network of a genotype.
        expected: from the probabilities of all options to the expected milliseconds of the network, differentiable.
        overhead_ms: of a call of the Fuser round any network.
    """

    network_ms: Callable[[Any], float]
    expected: Callable[[Mapping[str, Tensor]], Tensor]
    overhead_ms: float

    def call_ms(self, genotype: Any) -> float:
        """Milliseconds of a whole call of the Fuser."""
        return self.network_ms(genotype) + self.overhead_ms
