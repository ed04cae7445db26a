"""What each loss costs: value and gradient of a batch, beside those of the mean absolute error in the same run.

    python benchmarks/losses.py [--size 256] [--batch 3] [--repeat 5] [--threads 1] [--network mobilenet_v2]

Images are random; the times of a loss hardly depend on what they show. The losses take turns, and the median of the
repetitions is shown. Those that look at features are measured with `--network` and random weights.
"""

from __future__ import annotations

import argparse
import inspect
import statistics
import time

import torch
from rich.progress import track
from torch import Tensor

from imfuse.lab.losses.registry import LOSSES, Loss

YARDSTICK = "mae"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--network", default="mobilenet_v2")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    sources = torch.rand(options.batch, 2, options.size, options.size)
    losses = {name: make(name, options.network) for name in LOSSES}
    times: dict[str, list[float]] = {name: [] for name in losses}
    for repetition in track(range(options.repeat + 1), "measuring", transient=True):
        for name, loss in losses.items():
            seconds = once(loss, sources)
            if repetition:  # the first is warming up
                times[name].append(seconds)
    yardstick = statistics.median(times[YARDSTICK])
    print(f"{options.batch} images of {options.size} x {options.size}, {options.threads} threads, value and gradient")
    print("| loss | ms | times the absolute error |\n|---|--:|--:|")
    for name, values in times.items():
        seconds = statistics.median(values)
        print(f"| {name} | {1000 * seconds:.1f} | {seconds / yardstick:.0f} |")


def make(name: str, network: str) -> Loss:
    """The loss with its defaults, but random features of a network where it looks at features."""
    options = inspect.signature(LOSSES[name]).parameters
    features = {"network": network, "network_weights": "random"}
    return LOSSES[name](**{key: value for key, value in features.items() if key in options})


def once(loss: Loss, sources: Tensor) -> float:
    """Seconds that the value and the gradient take."""
    fused = sources.mean(1, keepdim=True).requires_grad_()
    start = time.perf_counter()
    loss(fused, sources).backward()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
