"""`draw_path`: one option of every choice, drawn as often as the logits say among networks that keep a budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

import torch
from torch import Tensor

from imfuse.lab.search.relaxation import gumbel_noise

ATTEMPTS = 100
"""Draws of whole paths until one keeps the budget; after them each option is drawn among those that keep it."""

APART = 10**12
"""Between the seeds of attempts, which must not meet those of other steps."""

Picks = dict[str, int]
Logits = Mapping[str, Tensor]


@dataclass(frozen=True)
class Rival:
    """The option that the drawn one of a choice is compared with.

    Attributes:
        option: its index.
        share: (1 - p) / 2, p being how likely the drawn option was.
    """

    option: int
    share: float


@dataclass(frozen=True)
class Budget:
    """What paths are allowed.

    Attributes:
        milliseconds: of the network of these picks.
        limit: highest milliseconds.
    """

    milliseconds: Callable[[Picks], float] = field(default=lambda _picks: 0.0)
    limit: float = math.inf

    def keeps(self, picks: Picks) -> bool:
        """Whether a path is allowed."""
        return math.isinf(self.limit) or self.milliseconds(picks) <= self.limit


@dataclass(frozen=True)
class Path:
    """One option of every choice.

    Attributes:
        picks: the options.
        noise: what was added to the logits, whose largest sum is that of the pick; -inf excludes an option.
    """

    picks: Picks
    noise: dict[str, Tensor]


def draw_path(logits: Logits, seed: int, budget: Budget) -> Path:
    """A path that keeps the budget, the same for the same seed and logits.

    Whole paths are drawn until one keeps the budget, which draws exactly from those that do. Where hardly any does,
    the path starts from a fast one, and its options are drawn anew one after the other, each among those that keep the
    budget with the others as they are.

    Args:
        logits: of each choice that is open, on the CPU.
        seed: of the draw.
        budget: that the path has to keep; where no network does, the path is a fast one.
    """
    path = _drawn(logits, seed)
    for attempt in range(1, ATTEMPTS):
        if budget.keeps(path.picks):
            return path
        path = _drawn(logits, seed + attempt * APART)
    return path if budget.keeps(path.picks) else _squeezed(path, logits, seed, budget)


def find_rivals(path: Path, logits: Logits, seed: int, budget: Budget) -> dict[str, Rival]:
    """For each choice another option that would keep the budget too, as often as the logits say; none where none does.

    Args:
        path: that was drawn.
        logits: of each choice that is open, on the CPU.
        seed: of the draw.
        budget: that the path keeps.
    """
    random, rivals = Random(seed), {}
    for name, values in logits.items():
        chances = dict(enumerate(values.double().softmax(0).tolist()))
        drawn = chances.pop(path.picks[name])
        others = {option: chance for option, chance in chances.items() if budget.keeps({**path.picks, name: option})}
        if rest := sum(others.values()):
            option = random.choices([*others], [*others.values()])[0]
            rivals[name] = Rival(option, rest / (rest + drawn) / 2)
    return rivals


def _drawn(logits: Logits, seed: int) -> Path:
    lengths = [len(values) for values in logits.values()]
    noise = dict(zip(logits, gumbel_noise(sum(lengths), seed).split(lengths), strict=True))
    return Path({name: int((values + noise[name]).argmax()) for name, values in logits.items()}, noise)


def _squeezed(path: Path, logits: Logits, seed: int, budget: Budget) -> Path:
    picks, noise = _fast(path.picks, logits, budget), dict(path.noise)
    names = [*logits]
    Random(seed).shuffle(names)  # the first ones leave less of the budget to the others
    for name in names:
        kept = [budget.keeps({**picks, name: option}) for option in range(len(logits[name]))]
        kept[picks[name]] = True
        noise[name] = torch.where(torch.tensor(kept), noise[name], -math.inf)
        picks[name] = int((logits[name] + noise[name]).argmax())
    return Path(picks, noise)


def _fast(picks: Picks, logits: Logits, budget: Budget) -> Picks:
    """From these picks to faster ones, choice by choice, until none becomes faster by itself."""
    picks, before = dict(picks), {}
    while picks != before:
        before = dict(picks)
        for name, values in logits.items():
            times = [budget.milliseconds({**picks, name: option}) for option in range(len(values))]
            picks[name] = times.index(min(times))
    return picks
