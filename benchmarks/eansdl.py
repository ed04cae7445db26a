"""EANSDL by its definition in four plain loops and as imfuse computes it: time, gradient and memory, side by side.

    python benchmarks/eansdl.py --size 64x64 --radius 4

The plain way is Python over x, y, i and j on lists of numbers, what the formula says and no more; its gradient with
respect to the difference of the gradient maps is written out by hand in the same loops. Both begin at the two maps of
gradient sizes, so that the Sobel filter, which is fast either way, is left out; both must give the same numbers.
A time is the best of the calls, on one thread. Memory is the most that a call and its gradient hold at once, counted
in maps of single precision, against the stack of all neighbours and a loop that autograd follows.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.losses._window_difference import window_difference
from imfuse.lab.losses.eansdl import eansdl_loss

AREA_WEIGHT = 0.5
Rows = list[list[float]]


def main() -> int:
    arguments = parse()
    torch.set_num_threads(1)
    width, height = (int(side) for side in arguments.size.split("x"))
    difference = torch.randn(height, width, generator=torch.Generator().manual_seed(arguments.seed))
    agree = compare(difference, arguments.radius, arguments.repeat)
    whole(height, width, arguments.channels, arguments.radius, arguments.repeat)
    memory(height, width)
    return 0 if agree else 1


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="64x64", metavar="WIDTHxHEIGHT", help="of the map")
    parser.add_argument("--radius", type=int, default=4)
    parser.add_argument("--channels", type=int, default=256, help="of the whole loss, the Sobel filter included")
    parser.add_argument("--repeat", type=int, default=20, help="calls of imfuse; the plain way is called three times")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def compare(difference: Tensor, radius: int, repeat: int) -> bool:
    """Print the two times forward, and forward with the gradient; whether values and gradients agree."""
    rows, maps = difference.tolist(), difference[None].requires_grad_()
    with torch.no_grad():
        forward = timed(lambda: plain_value(rows, radius), 3), timed(lambda: value(maps, radius), repeat)
    both = timed(lambda: plain_gradient(rows, radius), 3), timed(lambda: gradient(maps, radius), repeat)
    print(
        f"{tuple(difference.shape)}, radius {radius}, one thread, ms\n\n||four loops|imfuse|ratio|\n|---|---|---|---|"
    )
    for name, (plain, ours) in (("value", forward), ("value and gradient", both)):
        print(f"|{name}|{plain * 1e3:.1f}|{ours * 1e3:.3f}|{plain / ours:.0f}|")
    (plain_slope, plain_loss), loss = plain_gradient(rows, radius), value(maps, radius)
    unlike = (torch.tensor(plain_slope) - gradient(maps, radius)[0]).abs().max().item()
    print(f"\nloss {plain_loss:.7f} and {loss.item():.7f}; gradients differ by {unlike:.1e} at most")
    return math.isclose(plain_loss, loss.item(), rel_tol=1e-5) and unlike < 1e-6


def value(maps: Tensor, radius: int) -> Tensor:
    size = maps.abs()
    return (torch.exp(-size.detach()) * size + AREA_WEIGHT * window_difference(maps, radius)).mean()


def gradient(maps: Tensor, radius: int) -> Tensor:
    return torch.autograd.grad(value(maps, radius), maps)[0]


def plain_value(rows: Rows, radius: int) -> float:
    height, width, total = len(rows), len(rows[0]), 0.0
    for y in range(height):
        for x in range(width):
            area, count = 0.0, 0
            for i in range(max(-radius, -y), min(radius, height - 1 - y) + 1):
                for j in range(max(-radius, -x), min(radius, width - 1 - x) + 1):
                    area += abs(rows[y][x] - rows[y + i][x + j])
                    count += 1
            size = abs(rows[y][x])
            total += math.exp(-size) * size + AREA_WEIGHT * area / count
    return total / (height * width)


def plain_gradient(rows: Rows, radius: int) -> tuple[Rows, float]:
    height, width = len(rows), len(rows[0])
    slopes, pixels, total = [[0.0] * width for _ in range(height)], height * width, 0.0
    for y in range(height):
        for x in range(width):
            down = range(max(-radius, -y), min(radius, height - 1 - y) + 1)
            across = range(max(-radius, -x), min(radius, width - 1 - x) + 1)
            share, area = AREA_WEIGHT / (len(down) * len(across) * pixels), 0.0
            for i in down:
                for j in across:
                    step = rows[y][x] - rows[y + i][x + j]
                    area += abs(step)
                    pull = share * ((step > 0) - (step < 0))
                    slopes[y][x] += pull
                    slopes[y + i][x + j] -= pull
            size = abs(rows[y][x])
            slopes[y][x] += math.copysign(math.exp(-size), rows[y][x]) / pixels
            total += math.exp(-size) * size / pixels + share * area
    return slopes, total


def whole(height: int, width: int, channels: int, radius: int, repeat: int) -> None:
    features = torch.randn(1, channels, height, width, requires_grad=True)
    ideal = torch.randn(1, channels, height, width)
    seconds = timed(lambda: eansdl_loss(features, ideal, radius=radius).backward(), repeat)
    print(f"\nthe whole loss and its gradient, {channels} channels: {seconds * 1e3:.1f} ms")


def memory(height: int, width: int) -> None:
    """Print the peak of each way at several radii."""
    print("\n|radius|imfuse|loop|stack|\n|---|---|---|---|")
    maps = torch.randn(1, height, width, requires_grad=True)
    for radius in (1, 2, 4, 8):
        held = (peak(lambda way=way, r=radius: way(maps, r)) for way in (window_difference, looped, stacked))
        print(f"|{radius}|" + "|".join(f"{most / (4 * height * width):.1f}" for most in held) + "|")


def looped(maps: Tensor, radius: int) -> Tensor:
    offsets = range(-radius, radius + 1)
    return torch.stack([(maps - maps.roll((i, j), (1, 2))).abs().mean() for i in offsets for j in offsets])


def stacked(maps: Tensor, radius: int) -> Tensor:
    windows = F.unfold(F.pad(maps[:, None], [radius] * 4, mode="replicate"), 2 * radius + 1)
    return (windows - maps.flatten(1)[:, None]).abs().mean(1)


def peak(call: Callable[[], Tensor]) -> int:
    """Most bytes that the call and its gradient hold at once, from the profiler's record of every allocation."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as seen:
        call().sum().backward()
    events = (event for event in seen.profiler.kineto_results.events() if event.name() == "[memory]")
    held = most = 0
    for _, size in sorted((event.start_ns(), event.nbytes()) for event in events):
        held += size
        most = max(most, held)
    return most


def timed(call: Callable[[], object], repeat: int) -> float:
    call()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    sys.exit(main())
