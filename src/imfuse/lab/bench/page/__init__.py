"""The report of an evaluation as a page: one HTML file that holds all it shows and loads nothing from elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imfuse.images.storage import write_file
from imfuse.lab.bench.evaluation import REFERENCES, Evaluation
from imfuse.lab.bench.page import content, plots
from imfuse.lab.bench.page.comparisons import test_rows
from imfuse.lab.bench.page.gallery import Gallery, embed_scenes
from imfuse.lab.bench.page.paths import without_folders
from imfuse.lab.bench.page.speed import timings
from imfuse.lab.bench.page.verdict import verdict
from imfuse.lab.bench.scores import TaskScores
from imfuse.lab.bench.speed.table import HEAD, cells
from imfuse.lab.bench.statistics import Summary
from imfuse.lab.bench.statistics.significance import LEVEL
from imfuse.lab.bench.tables.rows import lacks_images, table_notes, tells_noise
from imfuse.lab.bench.timings import SpeedTable
from imfuse.lab.page import render

FOLDER = Path(__file__).parent


def write_page(  # noqa: PLR0917 (the report is what the page is of)
    path: str | Path,
    evaluation: Evaluation,
    summary: Summary,
    remarks: Sequence[str],
    tasks: Sequence[TaskScores] = (),
    speed: SpeedTable | None = None,
    gallery: int = 12,
) -> None:
    """Write the report; the same evaluation gives the same file, byte for byte.

    Args:
        path: of the HTML file, which appears whole or not at all.
        evaluation: what was measured.
        summary: its statistics.
        remarks: what a reader must know, one sentence each.
        tasks: task scores, if there are any.
        speed: speeds measured apart; without them the times of the models in the evaluation are used.
        gallery: scenes whose pictures are in the page, at most.

    Raises:
        ImageWriteError: the file cannot be written.
    """
    shown = embed_scenes(evaluation, gallery)
    values = (
        _of_page(evaluation, shown)
        | _of_numbers(evaluation, summary, shown)
        | _of_speed(evaluation, summary, speed)
        | {"remarks": remarks, "tasks": content.task_tables(evaluation, tasks)}
    )
    html = render(FOLDER, "report.html.jinja", evaluation.title, values, ("script.js", "viewer.js"))
    write_file(Path(path), html)


def _of_page(evaluation: Evaluation, gallery: Gallery) -> dict[str, Any]:
    references = sum(method.kind == "reference" for method in evaluation.methods)
    return {
        "source_names": evaluation.source_names,
        "scene_count": len(evaluation.scenes),
        "own_count": len(evaluation.methods) - references,
        "reference_count": references,
        "problems": without_folders(evaluation.problems, evaluation),
        "methods": content.method_entries(evaluation),
        "gallery": gallery,
    }


def _of_numbers(evaluation: Evaluation, summary: Summary, gallery: Gallery) -> dict[str, Any]:
    order = content.display_order(evaluation, summary)
    return {
        "summary": summary,
        "order": order,
        "level": LEVEL,
        "points": plots.POINTS,
        "metrics": content.metric_entries(evaluation, summary),
        "verdict": verdict(evaluation, summary),
        "rows": content.main_rows(evaluation, summary),
        "lacks_images": lacks_images(evaluation, summary),
        "tells_noise": tells_noise(summary),
        "table_notes": table_notes(evaluation, summary),
        "heat_rows": content.heat_rows(evaluation, summary),
        "test_rows": test_rows(summary, order),
        "worst_rows": content.worst_rows(evaluation, summary, gallery),
        "mean_rank_plot": plots.mean_ranks(evaluation, summary) if summary.ranked else "",
        "radar": plots.radar(evaluation, summary) if len(summary.ranked) >= 3 else "",
        "distributions": [plots.distribution(evaluation, metric, order) for metric in evaluation.metrics],
        "data": content.script_data(evaluation, summary, gallery),
    }


def _of_speed(evaluation: Evaluation, summary: Summary, speed: SpeedTable | None) -> dict[str, Any]:
    times, source = timings(evaluation, summary, speed)
    timed = {timing.method for timing in times}
    return {
        "speed": speed,
        "speed_head": HEAD,
        "speed_rows": [content.speed_cells(row, cells(row)) for row in speed.rows] if speed else [],
        "yardstick": f"{speed.yardstick:.0f}" if speed and math.isfinite(speed.yardstick) else "",
        "timings": times,
        "timing_source": source,
        "untimed": [m.name for i, m in enumerate(evaluation.methods) if i not in timed and m.name not in REFERENCES],
        "pareto": plots.pareto(evaluation, times) if times else "",
    }
