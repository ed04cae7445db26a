"""The files of a report: the page, the values, the statistics and the tables of one evaluation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imfuse.images.storage import write_file
from imfuse.lab.bench.evaluation import Evaluation
from imfuse.lab.bench.page import write_page
from imfuse.lab.bench.remarks import remarks
from imfuse.lab.bench.remarks.noise import measure_noise
from imfuse.lab.bench.scores import TaskScores
from imfuse.lab.bench.statistics import Summary, summarise
from imfuse.lab.bench.tables.records import long_csv, summary_json, tasks_csv
from imfuse.lab.bench.tables.text import latex, markdown
from imfuse.lab.bench.timings import SpeedTable

PAGE = "report.html"
FILES = (PAGE, "metrics.csv", "summary.json", "table.tex", "table.md", "tasks.csv")
"""What a report may hold; `tasks.csv` is there when a task was scored."""


@dataclass(frozen=True, eq=False)
class Report:
    """What was written.

    Attributes:
        folder: that holds `FILES`.
        summary: the statistics.
        remarks: what stands out, one sentence each.
        record: what `summary.json` holds.
    """

    folder: Path
    summary: Summary
    remarks: tuple[str, ...]
    record: dict[str, Any]


def write_report(
    folder: str | Path, evaluation: Evaluation, tasks: Sequence[TaskScores] = (), speed: SpeedTable | None = None
) -> Report:
    """Write `FILES`, of which `tasks.csv` only with task scores; older ones are replaced.

    Args:
        folder: made where it is missing.
        evaluation: from `evaluate`.
        tasks: task scores of the same methods.
        speed: of models, measured apart.

    Raises:
        ImageWriteError: a file cannot be written.
    """
    folder = Path(folder)
    summary = summarise(evaluation)
    said = remarks(evaluation, summary, measure_noise(evaluation))
    record = summary_json(evaluation, summary, said, tasks, speed)
    texts = {
        "metrics.csv": long_csv(evaluation),
        "summary.json": json.dumps(record, indent=1, allow_nan=False) + "\n",
        "table.tex": latex(evaluation, summary, tasks, speed),
        "table.md": markdown(evaluation, summary, tasks, speed),
        **({"tasks.csv": tasks_csv(tasks)} if tasks else {}),
    }
    for name, text in texts.items():
        # Names of files need not be UTF-8.
        write_file(folder / name, text.encode("utf-8", "backslashreplace"))
    if not tasks:
        (folder / "tasks.csv").unlink(missing_ok=True)
    write_page(folder / PAGE, evaluation, summary, said, tasks, speed)
    return Report(folder, summary, said, record)
