"""Latency of networks as the sum of their parts, against the measured time of whole networks.

    OMP_NUM_THREADS=1 python benchmarks/latency.py --genotypes 30 --height 256 --width 320

Genotypes are drawn at random from a space of all kinds of cells, all operators, several widths and resolutions, and all
heads. Each is exported as it stands and timed by itself; the sum comes from the table of parts, whose times are kept in
`--cache` between runs. One thread is timed by its processor time, so that other processes on the machine do not count.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
from scipy.stats import rankdata

from imfuse.lab.models.searched import SearchedFusion
from imfuse.lab.nn.genotype import OPERATOR_NAMES
from imfuse.lab.search.choices import sample
from imfuse.lab.search.latency import LatencyTable, measure_call, measure_network
from imfuse.lab.search.parts import parts
from imfuse.lab.search.space import Space
from imfuse.lab.search.target import Target

KINDS = ("csc", "cms", "cdc")
LEAST = 0.9
"""Rank correlation below which the sums are no guide."""


def main() -> None:
    arguments = parse()
    target = Target(arguments.engine, arguments.device, arguments.threads, arguments.height, arguments.width)
    random, space = Random(arguments.seed), rich_space(arguments.kinds)
    genotypes = [sample(space, random) for _ in range(arguments.genotypes)]
    table = LatencyTable(target, arguments.cache)
    table.measure(part for genotype in genotypes for part in parts(genotype))
    print(f"{target}\n{table.cache.conditions}")
    print("| genotype | measured ms | sum of parts ms | ratio |")
    print("|---|---|---|---|")
    rows = []
    for genotype in genotypes:
        network = SearchedFusion(genotype)
        if arguments.call:
            measured, predicted = measure_call(network, target), table.predict_call(genotype)
        else:
            measured, predicted = measure_network(network, target), table.predict(genotype)
        rows.append((measured, predicted))
        print(f"| {genotype} | {measured:.2f} | {predicted:.2f} | {predicted / measured:.2f} |", flush=True)
    report(np.array(rows))


def rich_space(kinds: Sequence[str]) -> Space:
    return Space(
        kinds=tuple(kinds),
        operators=OPERATOR_NAMES,
        cells=(1, 2, 3),
        resolutions=(1, 2, 4),
        widths=(8, 16, 32),
        heads=("direct", "blend", "pyramid"),
    )


def report(rows: np.ndarray) -> None:
    measured, predicted = rows.T
    ranks = np.corrcoef(rankdata(measured), rankdata(predicted))[0, 1]
    low, median, high = np.percentile(predicted / measured, (10, 50, 90))
    print(f"rank correlation (Spearman) over {len(rows)} genotypes: {ranks:.3f}")
    print(f"correlation of the logarithms: {np.corrcoef(np.log(measured), np.log(predicted))[0, 1]:.3f}")
    print(f"sum of parts / measured: median {median:.2f}, 10 % to 90 % {low:.2f} to {high:.2f}")
    if ranks < LEAST:
        raise SystemExit(f"rank correlation below {LEAST}: a search by these times would be misled")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--genotypes", type=int, default=30)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="of cells")
    parser.add_argument("--engine", choices=("onnx", "torch"), default="onnx")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, help="file of the times of parts; by default in the user's cache folder")
    parser.add_argument("--call", action="store_true", help="time whole calls of the Fuser instead of networks")
    return parser.parse_args()


if __name__ == "__main__":
    main()
