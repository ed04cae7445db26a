"""Everything that an evaluation measured, for further work: values as CSV in long form, all statistics as JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse import __version__
from imfuse.lab.bench.evaluation import Evaluation
from imfuse.lab.bench.scores import TaskScores
from imfuse.lab.bench.statistics import Summary
from imfuse.lab.bench.statistics.resampling import COVERAGE
from imfuse.lab.bench.statistics.significance import PairedTests
from imfuse.lab.bench.tables.rows import median_time
from imfuse.lab.bench.timings import SpeedTable
from imfuse.lab.metrics.registry import IMFUSE, METRICS

COLUMNS = ("stem", "method", "metric", "convention", "value")
TASK_COLUMNS = ("task", "images", "method", "score", "value", "lower", "upper")
FAMILY = "Wilcoxon signed-rank, paired over images, two-sided; Holm over all pairs of methods within one metric"


def long_csv(evaluation: Evaluation) -> str:
    """One line a value: stem, method, metric, convention, value; empty where nothing was measured, `inf` for infinity.

    Numbers have all digits that are needed to read them back exactly.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for s, scene in enumerate(evaluation.scenes):
        for m, method in enumerate(evaluation.methods):
            for k, metric in enumerate(evaluation.metrics):
                value = float(evaluation.values[m, k, s])
                convention = evaluation.conventions.get(metric, IMFUSE)
                writer.writerow((scene.stem, method.name, metric, convention, "" if np.isnan(value) else repr(value)))
    return text.getvalue()


def tasks_csv(tasks: Sequence[TaskScores]) -> str:
    """One line a score: task, images, method, score, value, and the ends of its interval; empty where there is none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(TASK_COLUMNS)
    for scores in tasks:
        for row in scores.rows:
            for column, *three in zip(scores.columns, row.values, row.lower, row.upper, strict=True):
                numbers = ("" if np.isnan(number) else repr(float(number)) for number in three)
                writer.writerow((scores.title, scores.images, row.name, column, *numbers))
    return text.getvalue()


def summary_json(
    evaluation: Evaluation,
    summary: Summary,
    remarks: Sequence[str] = (),
    tasks: Sequence[TaskScores] = (),
    speed: SpeedTable | None = None,
) -> dict[str, Any]:
    """Everything that was measured and computed, as `json.dumps(..., allow_nan=False)` takes it.

    NaN and infinity, which JSON has not, are null; `infinite` counts the infinite values of a method in a metric, so
    that a null mean can be told from a missing one. Matrices of the tests are in the order of `methods`.
    """
    record = {
        "imfuse": __version__,
        "title": evaluation.title,
        "source_names": evaluation.source_names,
        "stems": [scene.stem for scene in evaluation.scenes],
        "ranked": summary.ranked,
        "ranked_images": int(summary.ranked_scenes.sum()),
        "bootstrap": {"resamples": summary.resamples, "seed": summary.seed, "coverage": COVERAGE},
        "metrics": [_metric(evaluation, summary, column) for column in range(len(evaluation.metrics))],
        "methods": [_method(evaluation, summary, row) for row in range(len(evaluation.methods))],
        "tests": _tests(evaluation, summary),
        "tasks": [asdict(scores) for scores in tasks],
        "speed": None if speed is None else asdict(speed),
        "remarks": list(remarks),
        "problems": evaluation.problems,
    }
    return _plain(record)


def _metric(evaluation: Evaluation, summary: Summary, column: int) -> dict[str, Any]:
    name = evaluation.metrics[column]
    metric = METRICS[name]
    return {
        "name": name,
        "title": metric.title,
        "paper": metric.paper,
        "higher_is_better": metric.higher_is_better,
        "rewards_noise": metric.rewards_noise,
        "convention": evaluation.conventions.get(name, IMFUSE),
        "ranked": name in summary.ranked,
        "compared_images": summary.compared[column].sum(),
    }


def _method(evaluation: Evaluation, summary: Summary, row: int) -> dict[str, Any]:
    method = evaluation.methods[row]
    return {
        "name": method.name,
        "kind": method.kind,
        "images": summary.images[row],
        "mean_rank": summary.mean_ranks[row],
        "mean_rank_interval": [summary.mean_rank_low[row], summary.mean_rank_high[row]],
        "mean_rank_without_noise": summary.mean_ranks_without_noise[row],
        "scene_mean_ranks": summary.scene_mean_ranks[row],
        "milliseconds": median_time(method),
        "metrics": {name: _cell(evaluation, summary, row, k) for k, name in enumerate(evaluation.metrics)},
    }


def _cell(evaluation: Evaluation, summary: Summary, row: int, column: int) -> dict[str, Any]:
    place = row, column
    values = evaluation.values[place]
    return {
        "mean": summary.means[place],
        "interval": [summary.mean_low[place], summary.mean_high[place]],
        "deviation": summary.deviations[place],
        "images": summary.counts[place],
        "infinite": np.isinf(values).sum(),
        "compared_mean": summary.compared_means[place],
        "rank": summary.ranks[place],
        "best": summary.best[place],
        "second": summary.second[place],
        "best_method": summary.best_method[place],
        "normalised": summary.normalised[place],
        "worst": [evaluation.scenes[scene].stem for scene in summary.worst[place] if scene >= 0],
        "values": values,
    }


def _tests(evaluation: Evaluation, summary: Summary) -> dict[str, Any]:
    metrics = zip(evaluation.metrics, summary.metric_tests.raw, summary.metric_tests.corrected, strict=True)
    return {
        "test": FAMILY,
        "mean_rank": _pair_tests(summary.rank_tests),
        "metrics": {name: _pair_tests(PairedTests(raw, corrected)) for name, raw, corrected in metrics},
    }


def _pair_tests(tests: PairedTests) -> dict[str, NDArray[np.float64]]:
    return {"p": tests.raw, "holm": tests.corrected}


def _plain(value: Any) -> Any:
    """Copy of nested mappings, sequences, arrays and numbers in the types that JSON has."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
