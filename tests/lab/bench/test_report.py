"""The files of a report."""

from __future__ import annotations

from dataclasses import replace

from imfuse.lab.bench.report import FILES, write_report
from imfuse.lab.bench.scores import TaskRow, TaskScores


def test_a_report_has_its_files_and_task_scores_when_a_task_was_scored(tmp_path, make_evaluation):
    evaluation = make_evaluation({"a": [[1.0, 2.0]], "b": [[2.0, 3.0]]}, ["VIF"])
    gone = tuple(replace(scene, sources=(tmp_path / "gone.png",)) for scene in evaluation.scenes)
    evaluation = replace(evaluation, scenes=gone)
    tasks = [TaskScores("Detection", ("AP50",), (TaskRow("a", (0.5,), (0.4,), (0.6,)),), 2)]
    write_report(tmp_path, evaluation, tasks)
    assert {path.name for path in tmp_path.iterdir()} == set(FILES)
    assert "Detection,2,a,AP50,0.5,0.4,0.6" in (tmp_path / "tasks.csv").read_text().splitlines()
    assert "## Detection" in (tmp_path / "table.md").read_text()
    assert r"\caption{Detection." in (tmp_path / "table.tex").read_text()
    write_report(tmp_path, evaluation)
    assert {path.name for path in tmp_path.iterdir()} == set(FILES) - {"tasks.csv"}
    assert "Detection" not in (tmp_path / "table.md").read_text()
