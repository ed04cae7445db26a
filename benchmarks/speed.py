"""Speed: milliseconds of the whole `Fuser` call for each model, beside a yardstick measured in the same run.

    python benchmarks/speed.py --models ivif laplacian --threads 1 2 --size 640x480

The call takes a grey and a colour array of 8 bits and gives a colour array: conversion, padding, network, colour. The
yardstick Y is one PyTorch convolution 64 -> 64, 3x3, on 1x64x480x640, one thread; a ratio to it holds on any machine.
Peak memory is that of a fresh process that imports imfuse, loads the model and fuses; it is read where Linux tells it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from imfuse import Fuser
from imfuse.scenes import simulate

MEMORY = """
import re, sys
import numpy as np
from pathlib import Path
from imfuse import Fuser
fuser = Fuser.load(sys.argv[1], threads=int(sys.argv[2]))
height, width = int(sys.argv[3]), int(sys.argv[4])
for _ in range(3):
    fuser(np.zeros((height, width), np.uint8), np.zeros((height, width, 3), np.uint8))
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text()).group(1)) / 1024)
"""


def main() -> None:
    arguments = parse()
    width, height = (int(side) for side in arguments.size.split("x"))
    scene = simulate(height, width, seed=0)
    yardstick = None if arguments.no_yardstick else measure_yardstick()
    if yardstick:
        print(f"yardstick Y: {yardstick * 1e3:.0f} ms\n")
    print(f"{arguments.size}, median of {arguments.repeat} calls\n")
    print("|model|threads|ms|10-90 % ms|fps|in Y|peak MB|\n|---|---|---|---|---|---|---|")
    for model in arguments.models:
        for threads in arguments.threads:
            cv2.setNumThreads(threads)
            fuser = Fuser.load(model, threads=threads)
            times = timed(lambda fuser=fuser: fuser(scene.infrared, scene.visible), arguments.repeat)
            low, median, high = np.percentile(times, (10, 50, 90)) * 1e3
            ratio = f"{median / 1e3 / yardstick:.4f}" if yardstick else "-"
            memory = peak_memory(model, threads, height, width)
            print(
                f"|{model}|{threads}|{median:.1f}|{low:.1f}-{high:.1f}|{1e3 / median:.0f}|{ratio}|{memory:.0f}|",
                flush=True,
            )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["ivif", "laplacian", "guided", "average"])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--size", default="640x480", metavar="WIDTHxHEIGHT")
    parser.add_argument("--repeat", type=int, default=50)
    parser.add_argument("--no-yardstick", action="store_true", help="do without PyTorch")
    return parser.parse_args()


def timed(call: Callable[[], object], repeat: int) -> list[float]:
    """Seconds of each call, after a warm-up."""
    for _ in range(5):
        call()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return times


def measure_yardstick() -> float:
    import torch

    torch.set_num_threads(1)
    convolution, image = torch.nn.Conv2d(64, 64, 3, padding=1), torch.rand(1, 64, 480, 640)
    with torch.inference_mode():
        return float(np.median(timed(lambda: convolution(image), 10)))


def peak_memory(model: str, threads: int, height: int, width: int) -> float:
    """Megabytes, or NaN where the system does not tell."""
    if not Path("/proc/self/status").is_file():
        return float("nan")
    command = [sys.executable, "-c", MEMORY, model, str(threads), str(height), str(width)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    main()
