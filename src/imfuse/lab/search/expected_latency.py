"""LAT, the expected latency of a relaxed network (Liu et al., ACM MM 2021): differentiable in the probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imfuse.lab.search.choices import Choice
from imfuse.lab.search.haf_space import HAFSpace
from imfuse.lab.search.parts import Part
from imfuse.lab.search.space import Space
from imfuse.lab.search.terms import terms


class Table(Protocol):
    """What knows the times of parts, such as a `LatencyTable`."""

    def milliseconds(self, part: Part) -> float:
        """Of one part."""
        ...


class ExpectedLatency(nn.Module):
    """LAT = the sum over all parts of their milliseconds times the probability that a drawn network has them.

    That probability is the product of those of the picks under which the part is there, as each choice is drawn for
    itself. With probabilities of 0 and 1, LAT is the time of that one network.

    Args:
        space: whose networks they are.
        table: the time of each part, asked for once.
    """

    indices: Tensor
    milliseconds: Tensor

    def __init__(self, space: Space | HAFSpace, table: Table) -> None:
        super().__init__()
        self.choices = space.choices
        times: dict[tuple[int, ...], float] = {}
        starts = _starts(self.choices)
        for picks, part in terms(space):
            places = tuple(sorted(starts[name] + index for name, index in picks.items()))
            times[places] = times.get(places, 0.0) + table.milliseconds(part)
        depth, one = max(map(len, times)), starts[""]
        padded = [places + (one,) * (depth - len(places)) for places in times]
        self.register_buffer("indices", torch.tensor(padded, dtype=torch.long).reshape(len(times), depth))
        self.register_buffer("milliseconds", torch.tensor(list(times.values()), dtype=torch.float32))

    def forward(self, probabilities: Mapping[str, Float[Tensor, " options"]]) -> Float[Tensor, ""]:
        """Milliseconds.

        Args:
            probabilities: of the options of every choice, which sum to 1.

        Raises:
            ValueError: a choice is missing, or has another number of options.
        """
        flat = self._flat(probabilities)
        chances = reduce(torch.mul, flat[self.indices].unbind(1), torch.ones_like(flat[-1]))
        return (chances * self.milliseconds.to(flat)).sum()

    def _flat(self, probabilities: Mapping[str, Tensor]) -> Tensor:
        """All probabilities, and a one at the end for terms with fewer picks than others."""
        for choice in self.choices:
            found = tuple(probabilities[choice.name].shape) if choice.name in probabilities else None
            if found != (len(choice.options),):
                raise ValueError(f"probabilities of {choice.name!r}: shape {found}; expected ({len(choice.options)},)")
        given = [probabilities[choice.name] for choice in self.choices]
        return torch.cat([*given, given[0].new_ones(1) if given else self.milliseconds.new_ones(1)])


def _starts(choices: tuple[Choice, ...]) -> dict[str, int]:
    """Where the options of each choice begin among all; under an empty name, where they end."""
    starts, end = {}, 0
    for choice in choices:
        starts[choice.name] = end
        end += len(choice.options)
    return {**starts, "": end}
