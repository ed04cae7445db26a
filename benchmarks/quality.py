"""Quality: fuse a set of pairs with several models and print the common metrics with their mean rank.

    python benchmarks/quality.py infrared/ visible/ --models ivif laplacian average maximum
    python benchmarks/quality.py infrared/ visible/ --models ivif --fused Other=their/images --set-name RoadScene
    python benchmarks/quality.py infrared/ visible/ --models ivif --published quality.json --set-name MSRS

Models fuse lumas, and everything is measured on luma of 8 bits, by `imfuse.lab.bench`. `--published` adds the rows of a
JSON file `{"values": {set: {method: {stem: {metric: value}}}}}` and restricts the pairs to its stems. `--card FOLDER`
writes the means of the first model into that model's card. `imfuse eval` says more of one set, in a page.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.progress import track

from imfuse import Fuser
from imfuse.errors import EvaluationError
from imfuse.images.colour import luma
from imfuse.lab.bench.evaluation import Method, Scene
from imfuse.lab.bench.measuring.measure import measure_picture, unit_lumas
from imfuse.lab.bench.measuring.methods import find_scenes, read_method
from imfuse.lab.bench.measuring.threads import one_thread
from imfuse.lab.bench.pictures import fused_picture, read_sources
from imfuse.lab.bench.statistics.ranking import oriented, ranks
from imfuse.lab.metrics.registry import IMFUSE, METRICS, RANKED
from imfuse.runtime.card import ModelCard

Values = dict[str, dict[str, dict[str, float]]]
"""`{method: {stem: {metric: value}}}`."""


def main() -> None:
    arguments = parse()
    names = tuple(arguments.metrics or RANKED)
    published: Values = {}
    if arguments.published:
        published = json.loads(arguments.published.read_text())["values"][arguments.set_name]
    values = measure(arguments, names, next(iter(published.values()), None))
    table = {method: means(images, names) for method, images in {**published, **values}.items()}
    print_table(table, names, len(next(iter(values.values()))))
    if arguments.card:
        card = ModelCard.read(arguments.card)
        rounded = dict(zip(names, (round(mean, 4) for mean in table[arguments.models[0]]), strict=True))
        replace(card, metrics={**card.metrics, arguments.set_name: rounded}).write(arguments.card)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, help="one folder a source, in the order of the models")
    parser.add_argument("--models", nargs="+", default=["ivif", "laplacian", "average", "maximum"])
    parser.add_argument("--fused", nargs="*", default=[], metavar="NAME=DIR", help="fused images of other methods")
    parser.add_argument("--metrics", nargs="+", choices=[name for name in METRICS if METRICS[name].inputs != "colour"])
    parser.add_argument("--published", type=Path, help="JSON file with the values of other methods")
    parser.add_argument("--set-name", default="set", help="name of the set, in --published and in the card")
    parser.add_argument("--card", type=Path, help="model folder whose card gets the means of the first model")
    return parser.parse_args()


def measure(arguments: argparse.Namespace, names: tuple[str, ...], stems: Collection[str] | None) -> Values:
    scenes, problems = find_scenes(arguments.folders)
    scenes = tuple(scene for scene in scenes if stems is None or scene.stem in stems)
    models = {model: Fuser.load(model) for model in arguments.models}
    methods = []
    for item in arguments.fused:
        name, folder = item.split("=", 1)
        method, missing = read_method(name, Path(folder), scenes)
        methods.append(method)
        problems += missing
    for problem in problems:
        print(problem, file=sys.stderr)
    values: Values = {name: {} for name in (*models, *(method.name for method in methods))}
    with one_thread():
        for scene in track(scenes, "pairs"):
            for name, measured in measure_scene(scene, models, methods, names):
                values[name][scene.stem] = measured
    return values


def measure_scene(
    scene: Scene, models: dict[str, Fuser], methods: list[Method], names: tuple[str, ...]
) -> Iterator[tuple[str, dict[str, float]]]:
    sources = read_sources(scene)
    lumas = unit_lumas(scene.sources, sources)
    fused = {name: fuser(*map(luma, sources)) for name, fuser in models.items()}
    fused |= {m.name: fused_picture(m, scene, sources) for m in methods if scene.stem in m.files}
    for name, picture in fused.items():
        measured, failed = measure_picture(picture, sources, lumas, [(metric, IMFUSE) for metric in names])
        if failed:
            raise EvaluationError(f"{name}, {scene.stem}: {failed[0]}")
        yield name, {metric: value for (metric, _), value in measured.items()}


def means(images: dict[str, dict[str, float]], names: tuple[str, ...]) -> list[float]:
    return [float(np.mean([value[name] for value in images.values()])) for name in names]


def print_table(table: dict[str, list[float]], names: tuple[str, ...], pairs: int) -> None:
    """A Markdown table, best mean rank first; the rank of equals is the best of theirs."""
    mean_ranks = ranks(oriented(np.array(list(table.values())), names)).mean(axis=1)
    print(f"{pairs} pairs\n\n|method|mean rank|{'|'.join(names)}|\n|---|---|{'---|' * len(names)}")
    for rank, (method, row) in sorted(zip(mean_ranks, table.items(), strict=True), key=lambda pair: pair[0]):
        print(f"|{method}|{rank:.1f}|" + "|".join(f"{mean:.4g}" for mean in row) + "|")


if __name__ == "__main__":
    main()
