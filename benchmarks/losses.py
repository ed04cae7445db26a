"""What each loss costs: value and gradient of a batch, beside a step of the bundled network `ivif` in the same run.

    python benchmarks/losses.py [--size 256] [--batch 3] [--repeat 5] [--threads 1] [--network mobilenet_v2]

Images are random; the time of a loss hardly depends on what they show. The losses and the network take turns, and the
median of the repetitions is shown, of milliseconds and of their ratio to the network's in the same turn. Losses that
look at features do so with `--network` and random weights.
"""

from __future__ import annotations

import argparse
import inspect
import statistics
import time
from collections.abc import Callable
from functools import partial

import torch
from rich.progress import track
from torch import Tensor, nn

from imfuse.lab.losses.registry import LOSSES, Loss
from imfuse.lab.models.learned_pyramid import LearnedPyramid

NETWORK = "network"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256, help="side of the images, a multiple of 32")
    parser.add_argument("--batch", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--network", default="mobilenet_v2")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    sources = torch.rand(options.batch, 2, options.size, options.size)
    runs: dict[str, Callable[[], None]] = {NETWORK: partial(learn, LearnedPyramid(), sources)}
    runs |= {name: partial(measure, make(name, options.network), sources) for name in LOSSES}
    turns = [turn(runs) for _ in track(range(options.repeat + 1), "measuring", transient=True)]
    print(f"{options.batch} images of {options.size} x {options.size}, {options.threads} threads, value and gradient")
    print("| loss | ms | of a step of the network |\n|---|--:|--:|")
    for name in runs:
        seconds = statistics.median(times[name] for times in turns[1:])  # the first turn warms up
        ratio = statistics.median(times[name] / times[NETWORK] for times in turns[1:])
        print(f"| {name} | {1000 * seconds:.1f} | {ratio:.3f} |")


def make(name: str, network: str) -> Loss:
    """The loss with its defaults, but random features of a network where it looks at features."""
    options = inspect.signature(LOSSES[name]).parameters
    features = {"network": network, "network_weights": "random"}
    return LOSSES[name](**{key: value for key, value in features.items() if key in options})


def turn(runs: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Seconds of each."""
    times = {}
    for name, run in runs.items():
        start = time.perf_counter()
        run()
        times[name] = time.perf_counter() - start
    return times


def measure(loss: Loss, sources: Tensor) -> None:
    fused = sources.mean(1, keepdim=True).requires_grad_()
    loss(fused, sources).backward()


def learn(network: nn.Module, sources: Tensor) -> None:
    network.zero_grad()
    network(sources).mean().backward()


if __name__ == "__main__":
    main()
