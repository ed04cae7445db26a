"""Recover known warps of infrared pictures: error, refusals and time for every motion and method.

    python benchmarks/align.py FOLDER [--pairs 25] [--seed 0] [--shift 30] [--rotation 5]

FOLDER holds `ir/` and `vis/` with files of equal stem that are registered. Each infrared picture is moved by a random
shift and rotation, with a black frame where it no longer reaches, and aligned to its visible picture.

*error* is the mean distance over a grid of points between the true and the found map, in pixels. It cannot fall below
the accuracy to which the pair itself is registered. *repeat* leaves that out: its truth is the known warp followed by
what the same method finds for the pair that was not moved.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.align import METHODS, MOTIONS, align
from imfuse.errors import AlignmentError
from imfuse.images.files import read_image
from imfuse.images.pairs import pair_folders

Matrix = NDArray[np.float64]


def random_warp(rng: np.random.Generator, size: tuple[int, int], shift: float, rotation: float) -> Matrix:
    """Map from the moved picture back to the one that was moved; `rotation` in degrees, about the centre."""
    angle = np.deg2rad(rng.uniform(-rotation, rotation))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = (np.array(size[::-1]) - 1) / 2
    warp = np.eye(3)
    warp[:2, :2] = turn
    warp[:2, 2] = centre - turn @ centre + rng.uniform(-shift, shift, 2)
    return warp


def distance(first: Matrix, second: Matrix, size: tuple[int, int]) -> float:
    """Mean distance in pixels between two maps over a 9x9 grid of a picture."""
    x, y = np.meshgrid(np.linspace(0, size[1] - 1, 9), np.linspace(0, size[0] - 1, 9))
    grid = np.stack([x.ravel(), y.ravel(), np.ones(81)])
    a, b = first @ grid, second @ grid
    return float(np.hypot(*(a[:2] / a[2] - b[:2] / b[2])).mean())


def combinations() -> Iterator[tuple[str, str]]:
    for motion in MOTIONS:
        for method in METHODS:
            if method == "ecc" or motion in {"translation", "euclidean"}:
                yield motion, method


def measure(pairs: list, motion: str, method: str, options: argparse.Namespace) -> str:
    rng = np.random.default_rng(options.seed)
    errors, repeats, seconds, refused = [], [], [], 0
    for infrared, visible in pairs:
        size = infrared.shape[:2]
        warp = random_warp(rng, size, options.shift, 0 if motion == "translation" else options.rotation)
        moved = cv2.warpPerspective(infrared, np.linalg.inv(warp), size[::-1], flags=cv2.INTER_CUBIC)
        start = time.perf_counter()
        try:
            found = align(moved, visible, motion=motion, method=method).matrix
        except AlignmentError:
            refused += 1
            continue
        finally:
            seconds.append(time.perf_counter() - start)
        errors.append(distance(found, warp, size))
        try:
            unmoved = align(infrared, visible, motion=motion, method=method).matrix
        except AlignmentError:
            continue
        repeats.append(distance(found, unmoved @ warp, size))
    values = [*np.quantile(errors, [0.5, 0.9]), *np.quantile(repeats, [0.5, 0.9])]
    cells = [f"{value:.2f}" for value in values]
    return "|".join(["", motion, method, *cells, f"{refused / len(pairs):.0%}", f"{np.mean(seconds) * 1e3:.0f}", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description="Recover known warps of infrared pictures.")
    parser.add_argument("folder", type=Path, help="folder with ir/ and vis/")
    parser.add_argument("--pairs", type=int, default=25, help="number of pairs, spread evenly over the folder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shift", type=float, default=30, help="largest shift along each axis, in pixels")
    parser.add_argument("--rotation", type=float, default=5, help="largest rotation, in degrees")
    parser.add_argument("--threads", type=int, default=1, help="threads of OpenCV")
    options = parser.parse_args()
    cv2.setNumThreads(options.threads)
    stacks = pair_folders([options.folder / "ir", options.folder / "vis"]).stacks
    chosen = np.unique(np.linspace(0, len(stacks) - 1, min(options.pairs, len(stacks))).round().astype(int))
    pairs = [tuple(read_image(path).pixels for path in stacks[index].paths) for index in chosen]
    print(f"{len(pairs)} pairs of {options.folder}, shifts up to {options.shift:g} px along each axis, ", end="")
    print(f"rotations up to {options.rotation:g} degrees, seed {options.seed}, {options.threads} thread(s)\n")
    print("|motion|method|error px, median|90 %|repeat px, median|90 %|refused|ms a pair|")
    print("|---|---|---|---|---|---|---|---|")
    for motion, method in combinations():
        print(measure(pairs, motion, method, options), flush=True)


if __name__ == "__main__":
    main()
