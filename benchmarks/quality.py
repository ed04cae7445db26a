"""Quality: fuse a set of pairs with several models and print the common metrics with their mean rank.

    python benchmarks/quality.py infrared/ visible/ --models ivif laplacian average maximum
    python benchmarks/quality.py infrared/ visible/ --models ivif --fused Other=their/images --set-name RoadScene
    python benchmarks/quality.py infrared/ visible/ --models ivif --published quality.json --set-name MSRS

Everything is measured on luma of 8 bits, by `imfuse.lab.metrics`. `--published` adds the rows of a JSON file
`{"values": {set: {method: {stem: {metric: value}}}}}` and restricts the pairs to its stems. `--card FOLDER` writes the
means of the first model into that model's card.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from rich.progress import track

from imfuse import Fuser
from imfuse.images.colour import luma
from imfuse.images.files import list_images, read_image
from imfuse.images.pairs import pair_folders
from imfuse.lab.metrics.registry import METRICS
from imfuse.runtime.card import ModelCard

COMMON = ("EN", "SD", "SF", "AG", "MI", "SCD", "VIF", "Qabf", "SSIM", "CC")
Values = dict[str, dict[str, dict[str, float]]]
"""`{method: {stem: {metric: value}}}`."""


def main() -> None:
    arguments = parse()
    torch.set_num_threads(1)
    names = arguments.metrics or list(COMMON)
    published: Values = {}
    if arguments.published:
        published = json.loads(arguments.published.read_text())["values"][arguments.set_name]
    values = measure(arguments, names, next(iter(published.values()), None))
    table = means({**published, **values}, names)
    print_table(table, names, len(next(iter(values.values()))))
    if arguments.card:
        card = ModelCard.read(arguments.card)
        rounded = {name: round(value, 4) for name, value in table[arguments.models[0]].items()}
        replace(card, metrics={**card.metrics, arguments.set_name: rounded}).write(arguments.card)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, help="one folder a source, in the order of the models")
    parser.add_argument("--models", nargs="+", default=["ivif", "laplacian", "average", "maximum"])
    parser.add_argument("--fused", nargs="*", default=[], metavar="NAME=DIR", help="fused images of other methods")
    parser.add_argument("--metrics", nargs="+", choices=[name for name in METRICS if name != "MSE"])
    parser.add_argument("--published", type=Path, help="JSON file with the values of other methods")
    parser.add_argument("--set-name", default="set", help="name of the set, in --published and in the card")
    parser.add_argument("--card", type=Path, help="model folder whose card gets the means of the first model")
    return parser.parse_args()


def measure(arguments: argparse.Namespace, names: list[str], stems: dict | None) -> Values:
    stacks = [s for s in pair_folders(arguments.folders).stacks if stems is None or s.name in stems]
    methods = {model: Fuser.load(model) for model in arguments.models}
    folders = dict(item.split("=", 1) for item in arguments.fused)
    fused_files = {name: {p.stem: p for p in list_images(Path(folder))} for name, folder in folders.items()}
    values: Values = {name: {} for name in (*methods, *fused_files)}
    for stack in track(stacks, "pairs"):
        sources = [luma(read_image(path).pixels) for path in stack.paths]
        fused = {name: fuser(*sources) for name, fuser in methods.items()}
        fused |= {name: luma(read_image(files[stack.name]).pixels) for name, files in fused_files.items()}
        for name, picture in fused.items():
            values[name][stack.name] = evaluate(picture, sources, names)
    return values


@torch.no_grad()
def evaluate(fused: np.ndarray, sources: list[np.ndarray], names: list[str]) -> dict[str, float]:
    tensors = [torch.from_numpy(np.ascontiguousarray(image)).double()[None, None] / 255 for image in (fused, *sources)]
    stacked = torch.cat(tensors[1:], dim=1)
    return {name: METRICS[name](tensors[0], stacked).item() for name in names}


def means(values: Values, names: list[str]) -> dict[str, dict[str, float]]:
    return {
        method: {name: float(np.mean([value[name] for value in images.values()])) for name in names}
        for method, images in values.items()
    }


def print_table(table: dict[str, dict[str, float]], names: list[str], pairs: int) -> None:
    """A Markdown table, best mean rank first; the rank of equals is the best of theirs."""
    ranks = {
        method: float(np.mean([1 + sum(other[n] > row[n] for other in table.values()) for n in names]))
        for method, row in table.items()
    }
    print(f"{pairs} pairs\n\n|method|mean rank|{'|'.join(names)}|\n|---|---|{'---|' * len(names)}")
    for method in sorted(table, key=ranks.__getitem__):
        print(f"|{method}|{ranks[method]:.1f}|" + "|".join(f"{table[method][n]:.4g}" for n in names) + "|")


if __name__ == "__main__":
    main()
