"""`Trial`: one evaluated genotype, and `TrialLog`: those of a search, which may go on from an earlier run."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from imfuse.errors import SearchError

G = TypeVar("G")

Evaluate = Callable[[Any], float]
"""The search loss of a genotype; lower is better."""

Latency = Callable[[Any], float]
"""The milliseconds of a genotype's network."""

SLACK = 1e-9
"""Part of a budget by which sums of the same milliseconds in another order may differ."""


@dataclass(frozen=True)
class Trial(Generic[G]):
    """One evaluated genotype.

    Attributes:
        genotype: such as an `imfuse.lab.nn.genotype.Genotype`; any value that can be hashed.
        loss: search loss, lower is better; infinite where the candidate diverged.
        milliseconds: of its network.
    """

    genotype: G
    loss: float
    milliseconds: float


def within(milliseconds: float, budget_ms: float | None) -> bool:
    """Whether a network keeps the budget; None is no budget.

    >>> within(0.1 + 0.2, 0.3), within(0.31, 0.3), within(5.0, None)
    (True, False, True)
    """
    return budget_ms is None or milliseconds <= budget_ms * (1 + SLACK)


class TrialLog(Generic[G]):
    """The trials of a search, in order.

    A search that is a function of its seed proposes again what it proposed before it was cut off; the losses of `done`
    then stand in for evaluations, so that it goes on exactly as if it had never stopped.

    Args:
        evaluate: loss of a genotype; a loss that is not a number counts as infinite.
        done: trials of an earlier run of the same search.
        report: called with every new trial, for keeping it.
    """

    def __init__(
        self, evaluate: Evaluate, done: Sequence[Trial[G]] = (), report: Callable[[Trial[G]], None] | None = None
    ) -> None:
        self.evaluate, self.done, self.report = evaluate, done, report
        self.trials: list[Trial[G]] = []
        self._of_genotype: dict[G, Trial[G]] = {}

    def __len__(self) -> int:
        return len(self.trials)

    def find(self, genotype: G) -> Trial[G] | None:
        """The trial of a genotype, if there is one."""
        return self._of_genotype.get(genotype)

    def add(self, genotype: G, milliseconds: float) -> Trial[G]:
        """The next trial: that of the earlier run, or a new one.

        Raises:
            SearchError: the earlier run tried another genotype here.
        """
        number = len(self.trials)
        trial = self._recall(number, genotype) if number < len(self.done) else self._try(genotype, milliseconds)
        self.trials.append(trial)
        self._of_genotype[genotype] = trial
        return trial

    def _recall(self, number: int, genotype: G) -> Trial[G]:
        trial = self.done[number]
        if trial.genotype != genotype:
            raise SearchError(
                f"trial {number + 1} of the earlier run is '{trial.genotype}', but this search comes to '{genotype}' "
                "there: its space, seed, budget, latencies or options are others. Go on with those of the earlier run, "
                "or start in a new place"
            )
        return trial

    def _try(self, genotype: G, milliseconds: float) -> Trial[G]:
        loss = float(self.evaluate(genotype))
        trial = Trial(genotype, math.inf if math.isnan(loss) else loss, milliseconds)
        if self.report:
            self.report(trial)
        return trial
