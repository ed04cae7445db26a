"""What the template fills in: the evaluation as texts, rows and marks, and as data for the page's scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from imfuse.lab.bench.evaluation import Evaluation
from imfuse.lab.bench.page import svg
from imfuse.lab.bench.page.comparisons import directions, p_values
from imfuse.lab.bench.page.gallery import Gallery
from imfuse.lab.bench.page.paths import without_folders
from imfuse.lab.bench.page.values import as_json, decimals
from imfuse.lab.bench.scores import TaskScores
from imfuse.lab.bench.statistics import Summary
from imfuse.lab.bench.statistics.significance import LEVEL
from imfuse.lab.bench.tables.rows import fixed, image_count, number, shown_means, table_rows
from imfuse.lab.bench.timings import SpeedRow
from imfuse.lab.metrics.registry import METRICS

WORST = 3
"""Worst images that are named for each metric and method."""


def metric_entries(evaluation: Evaluation, summary: Summary) -> list[dict[str, Any]]:
    """A column of the tables each: name, words, paper, direction, and what to know of it."""
    return [
        {
            "name": name,
            "title": METRICS[name].title,
            "paper": METRICS[name].paper,
            "up": METRICS[name].higher_is_better,
            "noise": METRICS[name].rewards_noise,
            "ranked": name in summary.ranked,
            "convention": evaluation.conventions.get(name, ""),
            "decimals": decimals(evaluation.values[:, column]),
        }
        for column, name in enumerate(evaluation.metrics)
    ]


def display_order(evaluation: Evaluation, summary: Summary) -> list[int]:
    """Indices of the methods as the page lists them: best mean rank first, the references below."""
    return sorted(summary.order, key=lambda i: evaluation.methods[i].kind == "reference")


def method_entries(evaluation: Evaluation) -> list[dict[str, Any]]:
    """A row of the tables each: name, kind and colour."""
    return [
        {"index": i, "name": method.name, "kind": method.kind, "colour": colour}
        for i, (method, colour) in enumerate(zip(evaluation.methods, svg.series(evaluation), strict=True))
    ]


def main_rows(evaluation: Evaluation, summary: Summary) -> list[dict[str, Any]]:
    """The rows of the main table in the order of all formats, with the numbers that they are sorted by."""
    names = [method.name for method in evaluation.methods]
    rows = []
    for row in table_rows(evaluation, summary):
        index = names.index(row.name)
        second = [summary.mean_ranks_without_noise[index]] if row.without_noise else []
        keys = [summary.mean_ranks[index], *second, *shown_means(summary)[index]]
        tips = [
            "",
            *[""] * len(second),
            *(_mean_tip(summary, index, column) for column in range(len(evaluation.metrics))),
        ]
        cells = [
            asdict(cell) | {"key": key, "tip": tip} for cell, key, tip in zip(row.all_cells, keys, tips, strict=True)
        ]
        rows.append({"index": index, "is_reference": row.is_reference, "images": row.images, "cells": cells})
    return rows


def _mean_tip(summary: Summary, row: int, column: int) -> str:
    """Rank, interval and deviation behind a mean; they are over the images of the method, which may be more."""
    if np.isnan(summary.means[row, column]):
        return "not measured"
    parts = (summary.means, summary.mean_low, summary.mean_high, summary.deviations)
    mean, low, high, deviation = fixed(np.array([part[row, column] for part in parts]))
    rank, count = number(summary.ranks[row, column], 0), int(summary.counts[row, column])
    of_all = f"over all its {image_count(count)} {mean}; " if count > summary.compared[column].sum() > 0 else ""
    return f"rank {rank}; {of_all}95 % interval {low} to {high}; deviation over images {deviation}"


def heat_rows(evaluation: Evaluation, summary: Summary) -> list[dict[str, Any]]:
    """Rank and place of each method in each metric, best mean rank first."""
    return [
        {
            "index": i,
            "cells": [
                {"rank": number(rank, 0), "place": float(np.nan_to_num(place))}
                for rank, place in zip(summary.ranks[i], summary.normalised[i], strict=True)
            ],
        }
        for i in display_order(evaluation, summary)
    ]


def worst_rows(evaluation: Evaluation, summary: Summary, gallery: Gallery) -> list[dict[str, Any]]:
    """For each metric and each method that is no reference: its worst images and their place in the gallery."""
    order = [i for i in display_order(evaluation, summary) if evaluation.methods[i].kind != "reference"]
    places = {shown.scene: place for place, shown in enumerate(gallery.scenes)}
    rows = []
    for column, name in enumerate(evaluation.metrics):
        cells = []
        for i in order:
            texts = fixed(evaluation.values[i, column])
            scenes = [int(scene) for scene in summary.worst[i, column, :WORST] if scene >= 0]
            cells.append(
                [
                    {"stem": evaluation.scenes[s].stem, "value": texts[s], "place": places.get(s), "method": i}
                    for s in scenes
                ]
            )
        rows.append({"name": name, "cells": cells})
    return rows


def task_tables(evaluation: Evaluation, tasks: Sequence[TaskScores]) -> list[dict[str, Any]]:
    """Task scores with their intervals as ends of bars between the lowest and the highest of each column."""
    colours = dict(zip([method.name for method in evaluation.methods], svg.series(evaluation), strict=True))
    return [
        {
            "scores": scores,
            "remarks": without_folders(scores.remarks, evaluation),
            "rows": [
                {"name": row.name, "colour": colours.get(row.name, ""), "cells": _task_cells(scores, row.name)}
                for row in scores.rows
            ],
        }
        for scores in tasks
    ]


def _task_cells(scores: TaskScores, name: str) -> list[dict[str, Any]]:
    row = next(row for row in scores.rows if row.name == name)
    cells = []
    for column in range(len(scores.columns)):
        values = np.array([[each.values[column], each.lower[column], each.upper[column]] for each in scores.rows])
        low, high = _extent(values)
        three = np.array([row.values[column], row.lower[column], row.upper[column]])
        texts = [number(value, 3) for value in three]
        ends = np.clip((np.nan_to_num(three, nan=low) - low) / (high - low) * 100, 0, 100)
        best = bool(three[0] == np.nanmax(values[:, 0])) if np.isfinite(values[:, 0]).any() else False
        cells.append({"texts": texts, "ends": [f"{end:.1f}" for end in ends], "best": best, "key": three[0]})
    return cells


def _extent(values: Any) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if not len(finite) or finite.min() == finite.max():
        return 0.0, 1.0
    return float(finite.min()), float(finite.max())


def script_data(evaluation: Evaluation, summary: Summary, gallery: Gallery) -> dict[str, Any]:
    """What the scripts read; of the pictures each once."""
    return {
        "sources": evaluation.source_names,
        "methods": [{"name": m["name"], "kind": m["kind"], "colour": m["colour"]} for m in method_entries(evaluation)],
        "metrics": [
            {"name": m["name"], "up": m["up"], "decimals": m["decimals"]} for m in metric_entries(evaluation, summary)
        ],
        "stems": [scene.stem for scene in evaluation.scenes],
        "values": as_json(evaluation.values),
        "sceneRanks": as_json(summary.scene_mean_ranks),
        "order": display_order(evaluation, summary),
        "tests": as_json(p_values(summary)),
        "directions": directions(evaluation, summary).tolist(),
        "level": LEVEL,
        "gallery": [asdict(shown) for shown in gallery.scenes],
    }


def speed_cells(row: SpeedRow, texts: Sequence[str]) -> list[dict[str, Any]]:
    """Texts of a row of the speed table beside what they are sorted by."""
    keys = (
        row.model, row.engine, row.width * row.height, row.threads, row.milliseconds, row.low, row.fps,
        row.yardsticks, row.megabytes, row.parameters, row.macs, row.joules,
    )  # fmt: skip
    return [{"text": text, "key": key} for text, key in zip(texts, keys, strict=True)]
