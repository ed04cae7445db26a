"""How long classifiers take for one crop.

All take turns within a round, and are compared within rounds: what else the machine does meanwhile disturbs all alike.
Times are those of the processor, in evaluation; they do not depend on what was learnt.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

import torch
from _crops import Crops
from _two_streams import build_network
from torch import Tensor, nn

CALLS = 10
"""Calls of each network in a round, of which the median is taken."""

Times = dict[str, list[float]]
"""Milliseconds of each variant, one a round."""


@torch.no_grad()
def crop_times(variants: Sequence[str], crops: Crops, classes: int, rounds: int) -> Times:
    """Time all variants in turns; after each round another one begins."""
    images = crops.infrared[:1], crops.visible[:1]
    networks = {name: build_network(name, classes).to(memory_format=torch.channels_last).eval() for name in variants}
    for network in networks.values():
        _milliseconds(network, images)  # the first calls prepare
    times: Times = {name: [] for name in variants}
    for number in range(rounds):
        first = number % len(variants)
        for name in (*variants[first:], *variants[:first]):
            times[name].append(_milliseconds(networks[name], images))
    return times


def _milliseconds(network: nn.Module, images: tuple[Tensor, Tensor]) -> float:
    times = []
    for _ in range(CALLS):
        start = time.process_time()
        network(*images)
        times.append(time.process_time() - start)
    return statistics.median(times) * 1e3


def ratio(times: Times, variant: str, baseline: str) -> float:
    """Median over the rounds of a variant's time as a multiple of the baseline's in the same round.

    >>> ratio({"add": [1.0, 2.0, 1.0], "aff": [2.0, 4.0, 9.0]}, "aff", "add")  # the machine was busy in round two
    2.0
    """
    return statistics.median(own / other for own, other in zip(times[variant], times[baseline], strict=True))
