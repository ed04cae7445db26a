"""Times of parts, of whole networks, and of whole calls of the Fuser, on a target."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from torch import nn

from imfuse.lab.search.engines import open_engine, open_engines, target_threads
from imfuse.lab.search.part_modules import Call, surroundings, time_of, with_part
from imfuse.lab.search.parts import Part
from imfuse.lab.search.target import Target
from imfuse.lab.search.timing import clock_of, milliseconds
from imfuse.runtime.backends import Engine
from imfuse.runtime.fuser import Fuser
from imfuse.scenes import simulate

BETWEEN_CALLS = Part("cell", "csc", 32, 1)
"""Its surroundings run while the Fuser's overhead is measured: they use memory enough to drive the pictures from the
processor's caches, as networks do. Round a network of no cost, the Fuser takes half of its time."""


def measure_network(network: nn.Module, target: Target) -> float:
    """Milliseconds of a network in its engine, without a Fuser.

    Args:
        network: with a `size_multiple`, to which the size of the target is raised.
        target: where it runs.

    Raises:
        SearchError: the device is not there, or the network cannot be translated to ONNX.
    """
    multiple = int(getattr(network, "size_multiple", 1))
    height, width = (-(-side // multiple) * multiple for side in (target.height, target.width))
    (engine,) = open_engines([network], target, height, width)
    return _time([_run(engine, height, width)], target)[0]


def measure_call(network: nn.Module, target: Target) -> float:
    """Milliseconds of a whole call of the Fuser: a grey and a colour picture of 8 bits in, a colour picture out.

    Args:
        network: with `size_multiple`, `margin` and `symmetric`, as the networks of `imfuse.lab.models`.
        target: where it runs.

    Raises:
        SearchError: the device is not there.
        TrainingError: the network cannot be translated to ONNX.
    """
    rule: dict[str, Any] = {name: getattr(network, name) for name in ("size_multiple", "margin", "symmetric")}
    return _time([_call(open_engine(network, target), target, **rule)], target)[0]


def measure_overhead(target: Target) -> float:
    """Milliseconds that the Fuser adds to a network.

    Raises:
        SearchError: the device is not there.
    """
    height, width = target.height, target.width
    (engine,) = open_engines([surroundings(BETWEEN_CALLS)], target, height, width)
    whole, alone = _time([_call(engine, target, margin=None), _run(engine, height, width)], target)
    return max(whole - alone, 0.0)


def measure_parts(parts: Sequence[Part], target: Target) -> Iterator[tuple[Part, float]]:
    """Milliseconds of each part, in any order.

    Parts of one width and resolution are exported together, with the networks that they are compared with.

    Raises:
        SearchError: the device is not there, or a part cannot be translated to ONNX.
    """
    for _, group in groupby(sorted(parts, key=_place), key=_place):
        some = list(group)
        networks = [Call(), surroundings(some[0]), *map(with_part, some)]
        engines = open_engines(networks, target, target.rows, target.columns)
        call, without = (_run(next(engines), target.rows, target.columns) for _ in range(2))
        for part, engine in zip(some, engines, strict=True):
            times = _time([_run(engine, target.rows, target.columns), without, call], target)
            yield part, time_of(part, alone=times[0], without=times[1], call=times[2])


def _place(part: Part) -> tuple[int, int]:
    return part.width, part.resolution


def _run(engine: Engine, height: int, width: int) -> Callable[[], object]:
    sources = np.random.default_rng(0).random((2, height, width), np.float32)
    return lambda: engine.run(sources)


def _call(engine: Engine, target: Target, **rule: Any) -> Callable[[], object]:
    fuser = Fuser(engine, sources=("infrared", "visible"), **rule)
    scene = simulate(target.height, target.width, seed=0)
    return lambda: fuser(scene.infrared, scene.visible)


def _time(calls: Sequence[Callable[[], object]], target: Target) -> list[float]:
    with target_threads(target):
        return milliseconds(calls, clock_of(target.used_threads, target.device))
