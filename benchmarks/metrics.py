"""Speed of the metrics: public-style Python, plain NumPy with OpenCV, and imfuse, side by side on one thread.

    python benchmarks/metrics.py --size 640x480

One simulated pair, fused by the Laplacian pyramid, to 8 bits. First the common set in three ways, whose values must
agree; then every metric of imfuse. A time is the lower quartile of the CPU time of calls that take turns, which other
work on the machine disturbs least. `double` and `single` are the precision; public scripts compute in double.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

import _plain_metrics as plain
import _public_metrics as public
import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imfuse import Fuser
from imfuse.errors import MetricError
from imfuse.images.colour import luma
from imfuse.lab.metrics.functional import shared_work
from imfuse.lab.metrics.registry import COMMON, METRICS, Metric
from imfuse.scenes import simulate

WAYS = ("public", "plain double", "plain single", "imfuse double", "imfuse single")
TOLERANCES = np.array([0, 1e-6, 1e-3, 1e-6, 1e-3])
"""Relative, of the value of each way to that of the first."""
TYPES = (torch.float64, torch.float32)
PUBLIC_CALLS = 5
"""At most, of what takes seconds."""

Grey = NDArray[np.float64]


def main() -> int:
    arguments = parse()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    width, height = (int(side) for side in arguments.size.split("x"))
    scene = simulate(height, width, seed=arguments.seed)
    colour = Fuser.load("laplacian", threads=1)(scene.infrared, scene.visible)
    grey = np.stack([luma(pixels).astype(np.float64) for pixels in (colour, scene.infrared, scene.visible)])
    print(f"{arguments.size}, seed {arguments.seed}, one thread, ms of CPU time, {arguments.repeat} calls\n")
    with torch.inference_mode():
        agree = compare(grey, arguments.repeat)
        whole_set(grey, np.stack([colour, scene.visible]), arguments.repeat)
    return 0 if agree else 1


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="640x480", metavar="WIDTHxHEIGHT")
    parser.add_argument("--seed", type=int, default=0, help="of the scene")
    parser.add_argument("--repeat", type=int, default=20, help="calls of each; of the public style at most 5")
    return parser.parse_args()


def compare(grey: Grey, repeat: int) -> bool:
    """Print the table of the common set; whether all values agree."""
    print(f"|metric|{'|'.join(WAYS)}|public / double|public / single|\n|{'---|' * 8}")
    total, agree = np.zeros(5), True
    for name in COMMON:
        calls = ways(name, grey)
        times = timed(calls, repeat)
        total += times
        agree &= agreed(name, np.array([call() for call in calls]))
        print(row(name, times), flush=True)
    print(row("**each alone**", total))
    total[3:] = timed([partial(together, unit(grey, dtype)) for dtype in TYPES], repeat)
    print(row("**all at once**", total))
    print(f"\nplain / imfuse, all at once: {total[1] / total[3]:.2f} double, {total[2] / total[4]:.2f} single")
    return agree


def ways(name: str, grey: Grey) -> list[Callable[[], float]]:
    single = grey.astype(np.float32)
    double_tensor, single_tensor = (unit(grey, dtype) for dtype in TYPES)
    return [
        lambda: public.COMMON[name](grey[0], tuple(grey[1:])),
        lambda: plain.COMMON[name](grey[0], tuple(grey[1:])),
        lambda: plain.COMMON[name](single[0], tuple(single[1:])),
        lambda: METRICS[name](double_tensor[:, :1], double_tensor[:, 1:]).item(),
        lambda: METRICS[name](single_tensor[:, :1], single_tensor[:, 1:]).item(),
    ]


def together(images: Tensor) -> list[float]:
    fused, sources = images[:, :1], images[:, 1:]
    with shared_work():
        return [METRICS[name](fused, sources).item() for name in COMMON]


def agreed(name: str, values: NDArray[np.float64]) -> bool:
    differ = np.abs(values - values[0]) > TOLERANCES * max(abs(values[0]), 1e-3)
    if differ.any():
        print(f"{name} does not agree: {dict(zip(WAYS, values.tolist(), strict=True))}", file=sys.stderr)
    return not differ.any()


def row(name: str, times: NDArray[np.float64]) -> str:
    ratios = times[0] / times[3:]
    return "|".join(["", name, *(f"{t * 1e3:.2f}" for t in times), *(f"{ratio:.1f}" for ratio in ratios), ""])


def whole_set(grey: Grey, colours: NDArray[np.uint8], repeat: int) -> None:
    """Print the time of every metric that can be measured here."""
    print("\n|metric|double|single|\n|---|---|---|")
    total = np.zeros(2)
    for name, metric in METRICS.items():
        try:
            times = timed([metric_call(metric, grey, colours, dtype) for dtype in TYPES], repeat)
        except MetricError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
            continue
        total += times
        print(f"|{name}|{times[0] * 1e3:.2f}|{times[1] * 1e3:.2f}|", flush=True)
    print(f"|**all**|{total[0] * 1e3:.0f}|{total[1] * 1e3:.0f}|")


def metric_call(metric: Metric, grey: Grey, colours: NDArray[np.uint8], dtype: torch.dtype) -> Callable[[], float]:
    if metric.inputs == "colour":
        fused, visible = unit(colours.transpose(0, 3, 1, 2), dtype).squeeze(0).split(1)
        return lambda: metric(fused, visible).item()
    fused, sources = unit(grey, dtype).split([1, len(grey) - 1], dim=1)
    return lambda: metric(fused, sources).item()


def unit(pixels: NDArray, dtype: torch.dtype) -> Tensor:
    """Planes in 0..255 as one batch in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pixels, np.float64))[None].to(dtype) / 255


def timed(calls: Sequence[Callable[[], object]], repeat: int) -> NDArray[np.float64]:
    """Seconds of CPU time of each call."""
    for call in calls:
        call()
    times: list[list[float]] = [[] for _ in calls]
    for turn in range(repeat):
        for call, of_call in zip(calls, times, strict=True):
            if turn >= PUBLIC_CALLS and of_call[0] > 0.5:
                continue
            start = time.process_time()
            call()
            of_call.append(time.process_time() - start)
    return np.array([np.percentile(of_call, 25) for of_call in times])


if __name__ == "__main__":
    sys.exit(main())
