"""What `imfuse eval` prints of an evaluation that is not measured but made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imfuse.cli._eval_shown import show, what_to_show
from imfuse.lab.bench.evaluation import Evaluation, Method, Scene
from imfuse.lab.bench.report import write_report
from imfuse.lab.bench.scores import TaskRow, TaskScores
from imfuse.lab.bench.timings import SpeedRow, SpeedTable

NAN = float("nan")
TASK = TaskScores(
    "Detection", ("AP50", "AP", "AP50 car"), (TaskRow("mine", (0.5, 0.4, 0.3), (0.4, 0.3, 0.2), (0.6, 0.5, 0.4)),), 3
)
SPEED = SpeedTable(
    "one core", NAN, (SpeedRow("mine", "onnxruntime", 640, 480, 1, 20.0, 19.0, 21.0, NAN, 90.0, 1000, 1e9, NAN),)
)


@pytest.fixture
def evaluation() -> Evaluation:
    values = np.array([[[1.0, 2.0, 3.0]], [[2.0, 3.0, 4.0]]])
    methods = (Method("mine", "model", {}, {"0": 7.0}), Method("Average", "reference"))
    scenes = tuple(Scene(str(number), (Path(f"missing/{number}.png"),)) for number in range(3))
    return Evaluation("set", ("ir", "vis"), scenes, methods, ("VIF",), ("VIF",), values)


@pytest.fixture
def printed(tmp_path: Path, capsys, monkeypatch):
    def of(evaluation: Evaluation, width: int, tasks=(), speed=None) -> str:
        monkeypatch.setenv("COLUMNS", str(width))
        written = write_report(tmp_path / "report", evaluation, tasks, speed)
        assert show(what_to_show(evaluation, written, tasks, failed=False), Path("report"), quiet=False) == 0
        return capsys.readouterr().out

    return of


def test_speeds_are_one_line_a_model(evaluation, printed):
    out = printed(evaluation, 120, speed=SPEED)
    assert "speed  mine: 20.0 ms, 50.0 fps (onnxruntime, 640 x 480, 1 thread)" in out.splitlines()
    assert "speed " not in printed(evaluation, 120)


def test_columns_of_tasks_are_shown_as_far_as_they_fit(evaluation, printed):
    wide = printed(evaluation, 120, (TASK,))
    assert "0.300 (0.200 to 0.400)" in wide
    assert "in report/table.md" not in wide
    narrow = printed(evaluation, 60, (TASK,))
    assert "0.400 (0.300 to 0.500)" in narrow
    assert "0.300 (0.200 to 0.400)" not in narrow
    assert "AP50 car: in report/table.md" in narrow


def test_where_images_are_missing_they_are_counted_and_the_means_are_of_those_that_all_have(evaluation, printed):
    values = evaluation.values.copy()
    values[0, 0, 2] = NAN
    lines = printed(replace(evaluation, values=values), 120).splitlines()
    cells = {line.split()[0]: line.split() for line in lines[:4] if line.strip()}
    assert cells["method"] == ["method", "mean", "rank", "VIF", "ms", "images"]
    assert cells["mine"][1:] == ["2.0", "1.500", "7.0", "2"]
    assert cells["Average"][1:] == ["1.0", "2.500", "–", "3"]
    assert "Means, ranks and marks over the 2 images that all methods have, of 3." in lines
