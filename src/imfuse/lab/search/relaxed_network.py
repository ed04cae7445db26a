"""A network whose architecture is relaxed: it has logits for each choice of a space, which train as weights do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn

from imfuse.errors import RecipeError
from imfuse.lab.search.choices import Choice, Level
from imfuse.lab.search.mixture import Step
from imfuse.lab.search.paths import Budget, Path, Rival, draw_path, find_rivals
from imfuse.lab.search.relaxation import RELAXATIONS, Relaxation, gumbel_weights, paired_weights, softmax_weights

INITIAL_SPREAD = 1e-3
"""Standard deviation of the logits at the start: all options are about as likely, and no two exactly."""


class RelaxedNetwork(nn.Module):
    """Logits, and what follows of them, for networks that mix by them.

    A subclass runs its mixtures inside `with self.mixing()`, in its `forward`: then logits that
    `torch.func.functional_call` puts in place count, and derivatives of any order pass.

    Args:
        choices: of the space.
        relaxation: `softmax` computes every option; `gumbel` one that is drawn; `two_paths` this and, for the gradient
            of logits alone, a second one.
        temperature: as in `softmax_weights` and `gumbel_weights`; may be changed between steps.

    Attributes:
        logits: of each choice, by its name with `/` for `.`; small random numbers of torch's generator.
        step: what mixtures take their weights from.
        settled: the option of each choice that `settle` has closed, by the name of the choice.
        path: that was drawn; None before the first draw.
        rivals: two_paths: what the drawn option of a choice is compared with, by the name of the choice.

    Raises:
        ValueError: no such relaxation.
        RecipeError: a temperature that is not above 0.
    """

    def __init__(self, choices: Sequence[Choice], relaxation: Relaxation, temperature: float) -> None:
        super().__init__()
        if relaxation not in RELAXATIONS:
            raise ValueError(f"relaxation {relaxation!r}: expected one of {', '.join(RELAXATIONS)}")
        if not 0 < temperature < math.inf:
            raise RecipeError(f"temperature {temperature!r}: expected a number above 0")
        self.choices = tuple(choices)
        self.relaxation, self.temperature = relaxation, temperature
        self.logits = nn.ParameterDict(
            {_key(choice): INITIAL_SPREAD * torch.randn(len(choice.options)) for choice in choices}
        )
        self.step = Step()
        self.settled: dict[str, int] = {}
        self.path: Path | None = None
        self.rivals: dict[str, Rival] = {}

    def settle(self, picks: Mapping[str, int]) -> None:
        """Close these choices at these options, whatever their logits say, and open all others.

        A settled choice has weight and probability 1 for its option and 0 for the others, in all relaxations.

        Raises:
            ValueError: no such choice or option.
        """
        lengths = {choice.name: len(choice.options) for choice in self.choices}
        for name, option in picks.items():
            if not 0 <= option < lengths.get(name, 0):
                raise ValueError(f"settled {name!r} at {option}: expected a choice of the space and one of its options")
        self.settled, self.path, self.rivals = dict(picks), None, {}

    def open_choices(self) -> list[Choice]:
        """The choices that are not settled."""
        return [choice for choice in self.choices if choice.name not in self.settled]

    @torch.no_grad()
    def draw(self, seed: int, budget: Budget | None = None) -> None:
        """Draw the options of all forward passes until the next draw, the same for the same seed and logits.

        Before the first draw the most likely options are taken. Softmax draws nothing.

        Args:
            seed: of the draw.
            budget: that the drawn network keeps, and that of each rival in its place; its picks are those of all
                choices. None for any network.
        """
        if self.relaxation == "softmax":
            return
        limits = Budget() if budget is None else budget
        within = Budget(lambda picks: limits.milliseconds({**picks, **self.settled}), limits.limit)
        logits = {choice.name: self._logit(choice).detach().cpu() for choice in self.open_choices()}
        self.path = draw_path(logits, seed, within)
        self.rivals = find_rivals(self.path, logits, seed, within) if self.relaxation == "two_paths" else {}

    def mixing(self) -> AbstractContextManager[None]:
        """In this block, mixtures mix by the weights of the step."""
        return self.step.of(self.weights_of_step(), {name: rival.option for name, rival in self.rivals.items()})

    def weights_of_step(self) -> dict[str, Tensor]:
        """The weight of each option by the name of its choice; they sum to 1."""
        if self.relaxation == "softmax":
            return self.probabilities()
        return {**{choice.name: self._drawn(choice) for choice in self.open_choices()}, **self.one_hot(self.settled)}

    def probabilities(self, replaced: Mapping[str, Tensor] | None = None, *, settled: bool = True) -> dict[str, Tensor]:
        """The weights of the options in softmax mode, how likely each is to be drawn in gumbel mode; differentiable.

        Args:
            replaced: logits to take instead of the network's own, by names of `architecture_names`.
            settled: whether settled choices are certain; else as their logits were when they were settled.
        """
        temperature = self.temperature if self.relaxation == "softmax" else 1.0
        own = {_parameter(choice): self._logit(choice) for choice in self.choices}
        logits = {**own, **(replaced or {})}
        soft = {choice.name: softmax_weights(logits[_parameter(choice)], temperature) for choice in self.choices}
        return {**soft, **self.one_hot(self.settled)} if settled else soft

    def one_hot(self, picks: Mapping[str, int]) -> dict[str, Tensor]:
        """Weights of 1 for these options and of 0 for the others, of those choices that are picked."""
        there = (choice for choice in self.choices if choice.name in picks)
        return {c.name: torch.eye(len(c.options)).to(self._logit(c))[picks[c.name]] for c in there}

    def picks(self) -> dict[str, int]:
        """The most likely option of each choice, or the one that it is settled at."""
        return {choice.name: int(self._logit(choice).argmax()) for choice in self.choices} | self.settled

    def architecture_names(self, level: Level) -> list[str]:
        """Names of the logits of one level among the parameters, in the order of the choices."""
        return [_parameter(choice) for choice in self.choices if choice.level == level]

    def weight_names(self) -> list[str]:
        """Names of the parameters that are no logits."""
        logits = {_parameter(choice) for choice in self.choices}
        return [name for name, _ in self.named_parameters() if name not in logits]

    def choice_of(self, parameter: str) -> Choice:
        """The choice whose logits a parameter holds, by its name among those of `architecture_names`."""
        return next(choice for choice in self.choices if _parameter(choice) == parameter)

    def _drawn(self, choice: Choice) -> Tensor:
        logits, path = self._logit(choice), self.path
        if self.relaxation == "gumbel":
            noise = torch.zeros(len(logits)) if path is None else path.noise[choice.name]
            return gumbel_weights(logits, noise.to(logits), self.temperature)
        drawn = int(logits.argmax()) if path is None else path.picks[choice.name]
        rival = self.rivals.get(choice.name)
        return paired_weights(logits, drawn, rival.option, rival.share) if rival else paired_weights(logits, drawn)

    def _logit(self, choice: Choice) -> Tensor:
        return self.logits[_key(choice)]


def _key(choice: Choice) -> str:
    return choice.name.replace(".", "/")  # names of parameters are split at points


def _parameter(choice: Choice) -> str:
    return f"logits.{_key(choice)}"
