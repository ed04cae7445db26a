"""Saliency: time of the weights of a pair by the table of grey levels, beside the definition by grey level and pixel.

    OMP_NUM_THREADS=1 OPENCV_NUM_THREADS=1 python benchmarks/saliency.py

One thread; the shortest of the repetitions of each, which alternate. `by level` sums 256 images |I - j| hist(j), which
is the definition without its table: O(256 h w).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import perf_counter

import cv2
import torch
from torch import Tensor

from imfuse.lab.losses.saliency import LEVELS, saliency_weights


def main() -> None:
    arguments = parse()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    generator = torch.Generator().manual_seed(0)
    sources = torch.rand(1, 2, arguments.height, arguments.width, generator=generator) ** 2
    torch.testing.assert_close(saliency_weights(sources), by_level(sources), rtol=1e-4, atol=1e-6)
    table, direct = times([saliency_weights, by_level], sources, arguments.repetitions)
    print(f"{arguments.width}x{arguments.height} pair, one thread, shortest of {arguments.repetitions}")
    print(f"by table  {1000 * table:8.2f} ms")
    print(f"by level  {1000 * direct:8.2f} ms  {direct / table:.0f} times as long")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--repetitions", type=int, default=20)
    return parser.parse_args()


def by_level(sources: Tensor) -> Tensor:
    """The weights by the definition, a pass over the pixels for each grey level."""
    levels = (sources * 255 + 0.5).clamp(0, 255).floor()
    contrast = torch.zeros_like(levels)
    for level in range(LEVELS):
        count = (levels == level).sum((2, 3), keepdim=True)
        contrast += count * (levels - level).abs()
    return torch.softmax(contrast / contrast.amax((2, 3), keepdim=True).clamp_min(1), dim=1)


def times(functions: list[Callable[[Tensor], Tensor]], sources: Tensor, repetitions: int) -> list[float]:
    """Shortest seconds of each function."""
    shortest = [float("inf")] * len(functions)
    for _ in range(repetitions):
        for place, function in enumerate(functions):
            start = perf_counter()
            function(sources)
            shortest[place] = min(shortest[place], perf_counter() - start)
    return shortest


if __name__ == "__main__":
    main()
