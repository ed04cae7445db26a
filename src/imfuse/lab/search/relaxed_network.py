"""A network whose architecture is relaxed: it has logits for each choice of a space, which train as weights do."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from imfuse.errors import RecipeError
from imfuse.lab.search.choices import Choice
from imfuse.lab.search.mixture import Step
from imfuse.lab.search.relaxation import (
    RELAXATIONS,
    Relaxation,
    gumbel_noise,
    gumbel_weights,
    paired_weights,
    softmax_weights,
)

INITIAL_SPREAD = 1e-3
"""Standard deviation of the logits at the start: all options are about as likely, and no two exactly."""


ATTEMPTS = 200
"""To draw options that are allowed; where all fail, the last are taken."""

APART = 10**12
"""Between the seeds of attempts, which must not meet those of other steps."""


class RelaxedNetwork(nn.Module):
    """Logits, and what follows of them, for networks that mix by them.

    A subclass runs its mixtures inside `with self.step.of(self.weights_of_step(), self.rivals)`, in its `forward`: then
    logits that `torch.func.functional_call` puts in place count, and derivatives of any order pass.

    Args:
        choices: of the space.
        relaxation: `softmax` computes every option; `gumbel` one that is drawn; `two_paths` this and, for the gradient
            of logits alone, a second one.
        temperature: as in `softmax_weights`, `gumbel_weights` and `paired_weights`; may be changed between steps.

    Attributes:
        logits: of each choice, by its name with `/` for `.`; small random numbers of torch's generator.
        step: what mixtures take their weights from.
        settled: the option of each choice that `settle` has closed, by the name of the choice.
        rivals: two_paths: which option the drawn one of a choice is compared with, by the name of the choice.

    Raises:
        ValueError: no such relaxation.
        RecipeError: a temperature that is not above 0.
    """

    noise: Tensor

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
        self.register_buffer("noise", torch.zeros(sum(self._lengths())), persistent=False)
        self.step = Step()
        self.settled: dict[str, int] = {}
        self.rivals: dict[str, int] = {}

    def settle(self, picks: Mapping[str, int]) -> None:
        """Close these choices at these options, whatever their logits say, and open all others.

        A settled choice has weight and probability 1 for its option and 0 for the others, in both relaxations.

        Raises:
            ValueError: no such choice or option.
        """
        lengths = {choice.name: len(choice.options) for choice in self.choices}
        for name, option in picks.items():
            if not 0 <= option < lengths.get(name, 0):
                raise ValueError(f"settled {name!r} at {option}: expected a choice of the space and one of its options")
        self.settled = dict(picks)

    def open_choices(self) -> list[Choice]:
        """The choices that are not settled."""
        return [choice for choice in self.choices if choice.name not in self.settled]

    @torch.no_grad()
    def draw(self, seed: int, keeps: Callable[[Mapping[str, Tensor]], bool] | None = None) -> None:
        """Draw the options of all forward passes until the next draw, the same for the same seed and logits.

        Before the first draw the most likely options are taken. Softmax draws nothing.

        Args:
            seed: of the draw.
            keeps: whether weights of 0 and 1 are allowed, such as those of networks that keep a budget. What is drawn
                is drawn again until it is, and rivals are those whose network is.
        """
        if self.relaxation == "softmax":
            return
        for attempt in range(ATTEMPTS):
            self.noise = gumbel_noise(len(self.noise), seed + attempt * APART).to(self.noise)
            if keeps is None or keeps(self.weights_of_step()):
                break
        self.rivals = self._find_rivals(keeps) if self.relaxation == "two_paths" else {}

    def weights_of_step(self) -> dict[str, Tensor]:
        """The weight of each option by the name of its choice; they sum to 1."""
        if self.relaxation == "softmax":
            return self.probabilities()
        noises = zip(self.choices, self.noise.split(self._lengths()), strict=True)
        return {**{choice.name: self._drawn(choice, noise) for choice, noise in noises}, **self._settled_weights()}

    def probabilities(self, replaced: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """The weights of the options in softmax mode, how likely each is to be drawn in gumbel mode; differentiable.

        Args:
            replaced: logits to take instead of the network's own, by names of `architecture_names`.
        """
        temperature = self.temperature if self.relaxation == "softmax" else 1.0
        own = {_parameter(choice): self._logit(choice) for choice in self.choices}
        logits = {**own, **(replaced or {})}
        soft = {choice.name: softmax_weights(logits[_parameter(choice)], temperature) for choice in self.choices}
        return {**soft, **self._settled_weights()}

    def picks(self) -> dict[str, int]:
        """The most likely option of each choice, or the one that it is settled at."""
        return {choice.name: int(self._logit(choice).argmax()) for choice in self.choices} | self.settled

    def architecture_names(self, level: Literal["macro", "micro"]) -> list[str]:
        """Names of the logits of one level among the parameters, in the order of the choices."""
        return [_parameter(choice) for choice in self.choices if choice.level == level]

    def weight_names(self) -> list[str]:
        """Names of the parameters that are no logits."""
        logits = {_parameter(choice) for choice in self.choices}
        return [name for name, _ in self.named_parameters() if name not in logits]

    def choice_of(self, parameter: str) -> Choice:
        """The choice whose logits a parameter holds, by its name among those of `architecture_names`."""
        return next(choice for choice in self.choices if _parameter(choice) == parameter)

    def _drawn(self, choice: Choice, noise: Tensor) -> Tensor:
        logits = self._logit(choice)
        if self.relaxation == "gumbel":
            return gumbel_weights(logits, noise, self.temperature)
        drawn, rival = int((logits + noise).argmax()), self.rivals.get(choice.name)
        # An update of the logits may have made the rival the drawn one.
        return paired_weights(logits, drawn, None if rival == drawn else rival, self.temperature)

    def _find_rivals(self, keeps: Callable[[Mapping[str, Tensor]], bool] | None) -> dict[str, int]:
        """For each open choice the second option in a draw without replacement, among those that are allowed."""
        weights, rivals = self.weights_of_step(), {}
        for choice, noise in zip(self.choices, self.noise.split(self._lengths()), strict=True):
            if choice.name in self.settled:
                continue
            _, *others = (self._logit(choice) + noise).argsort(descending=True).tolist()
            for option in others:
                alone = torch.zeros_like(weights[choice.name])
                alone[option] = 1
                if keeps is None or keeps({**weights, choice.name: alone}):
                    rivals[choice.name] = option
                    break
        return rivals

    def _settled_weights(self) -> dict[str, Tensor]:
        closed = (choice for choice in self.choices if choice.name in self.settled)
        return {c.name: torch.eye(len(c.options)).to(self._logit(c))[self.settled[c.name]] for c in closed}

    def _logit(self, choice: Choice) -> Tensor:
        return self.logits[_key(choice)]

    def _lengths(self) -> list[int]:
        return [len(choice.options) for choice in self.choices]


def _key(choice: Choice) -> str:
    return choice.name.replace(".", "/")  # names of parameters are split at points


def _parameter(choice: Choice) -> str:
    return f"logits.{_key(choice)}"
