"""Signs that a search went wrong: it fell for the cheapest operator, decided nothing, or had no gradient."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeVar

from imfuse.lab.search.choices import Level, SearchSpace
from imfuse.lab.search.increments import Increments
from imfuse.lab.search.strategies.trial import Latency

G = TypeVar("G")

NEGLIGIBLE = 0.05
"""Part of the network's time by which operators may differ without a word of it."""

SILENT = 3
"""Logged gradients of zero in a row, from which on a search is dead; a drawn path alone may have one."""

WORDS = {"micro": "operator", "macro": "option of the network's shape"}

REMEDY = (
    "Where latency.weight is above 0 it may have outweighed the loss: lower it, or raise the budget. Where it is 0, "
    "search longer, or compare with strategy random: a search by gradients may be misled by weights that networks share"
)


def collapse(space: SearchSpace[G], genotype: G, latency: Latency) -> str | None:
    """A warning where a search fell for what is cheapest, else None.

    That is: every operator, or from three on every one but one, is the fastest that could stand at its place; or the
    network is the fastest of the whole space.

    Args:
        space: what was searched.
        genotype: what was found.
        latency: milliseconds of a genotype's network, a sum over its parts.

    Example:
        >>> from imfuse.lab.search.space import Space
        >>> space = Space(kinds=("csc",), operators=("res_3", "dil_3"), cells=(1,))
        >>> slow = lambda genotype: 2.0 + 1.5 * str(genotype).count("res_3")
        >>> collapse(space, space.genotype({"cell1.csc.op1": 1, "cell1.csc.op2": 1}), slow).partition(" (")[0]
        'collapse to the cheapest operator: 2 of 2 are dil_3'
        >>> collapse(space, space.genotype({"cell1.csc.op1": 0, "cell1.csc.op2": 1}), slow)
    """
    increments, picks = Increments(space, latency), space.picks(genotype)
    _, places = increments.shape({name: pick for name, pick in picks.items() if name not in increments.micro})
    names = {choice.name: choice.options for choice in space.choices}
    cheapest = [names[place][picks[place]] for place, added in places.items() if _is_cheapest(added, picks[place])]
    milliseconds = latency(genotype)
    slowest = milliseconds + sum(max(added) - added[picks[place]] for place, added in places.items())
    matters = slowest > milliseconds * (1 + NEGLIGIBLE)
    if cheapest and matters and len(cheapest) >= len(places) - (len(places) >= 3):
        return (
            f"collapse to the cheapest operator: {len(cheapest)} of {len(places)} are {_listed(cheapest)} (the network "
            f"takes {milliseconds:.3g} ms, and {slowest:.3g} ms with the slowest operators). {REMEDY}"
        )
    fastest = latency(increments.fastest())
    if space.size > 1 and math.isclose(milliseconds, fastest, rel_tol=1e-9):
        return f"collapse to the cheapest network of the space: '{genotype}' ({milliseconds:.3g} ms). {REMEDY}"
    return None


def undecided(
    space: SearchSpace[G], probabilities: Mapping[str, Sequence[float]], level: Level = "micro", margin: float = 0.05
) -> str | None:
    """A warning where the probabilities of every choice of a level are all but uniform, else None.

    Args:
        space: what was searched.
        probabilities: those of the options, for every choice of the level.
        level: `micro` for the operators, `macro` for the shape of the network.
        margin: by how much the largest probability of a choice may exceed that of a uniform one and still mean nothing.

    Example:
        >>> from imfuse.lab.search.space import Space
        >>> space = Space(kinds=("csc",), operators=("res_3", "dil_3"), slots=1, cells=(1,))
        >>> undecided(space, {"cell1.csc.op1": [0.51, 0.49]}).partition(";")[0]
        'undecided: no operator has a clear lead (the clearest is res_3 for cell1.csc.op1, 0.51 of 2 options)'
        >>> undecided(space, {"cell1.csc.op1": [0.8, 0.2]})
    """
    leads = []
    for choice in space.choices:
        if choice.level == level:
            values = [float(value) for value in probabilities[choice.name]]
            leads.append(
                (max(values) - 1 / len(values), max(values), choice.options[values.index(max(values))], choice)
            )
    if not leads or max(lead[0] for lead in leads) > margin:
        return None
    _, probability, option, choice = max(leads, key=lambda lead: lead[0])
    return (
        f"undecided: no {WORDS[level]} has a clear lead (the clearest is {option} for {choice.name}, {probability:.2f} "
        f"of {len(choice.options)} options); the genotype is little better than a random one. Search longer, or raise "
        "the architecture's learning rate"
    )


def dead(gradients: Sequence[float], every: int) -> str | None:
    """A warning where the gradient of the architecture was nothing at the end of a stage, else None.

    Args:
        gradients: its logged norms, in their order.
        every: updates between two of them.

    Example:
        >>> dead([0.3, 0.0, 0.0, 0.0], 10).partition(",")[0]
        'dead: no option made any difference in the last 30 updates of a stage'
        >>> dead([0.0, 0.0, 0.3, 0.0], 10)
    """
    zeros = next((count for count, norm in enumerate(reversed(gradients)) if norm != 0), len(gradients))
    if zeros < SILENT:
        return None
    return (
        f"dead: no option made any difference in the last {zeros * every} updates of a stage, so that its choices are "
        "chance. The networks give the same whatever their features: their units died early in the training. Lower "
        "optimiser.learning_rate, or take another seed or more channels, and search with --restart"
    )


def _is_cheapest(added: Sequence[float], pick: int) -> bool:
    least, most = min(added), max(added)
    return math.isclose(added[pick], least, abs_tol=1e-9) and not math.isclose(least, most, abs_tol=1e-9)


def _listed(names: Sequence[str | int]) -> str:
    return ", ".join(str(name) for name, _ in Counter(names).most_common())
