from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from imfuse.lab.bench.evaluation import Evaluation
from imfuse.lab.bench.scores import TaskRow, TaskScores
from imfuse.lab.bench.statistics import summarise
from imfuse.lab.bench.tables.records import long_csv, summary_json, tasks_csv
from imfuse.lab.bench.timings import SpeedRow, SpeedTable

NAN, INF = float("nan"), float("inf")


@pytest.fixture
def evaluation(make_evaluation) -> Evaluation:
    return make_evaluation(
        {
            'ours, "best"': [[1 / 3, 8.0], [INF, 20.0]],
            "theirs": [[6.0, NAN], [30.0, NAN]],
            "Average": [[1.0, 2.0], [1e-12, 5.0]],
        },
        ("EN", "PSNR"),
        conventions={"PSNR": "peak 255"},
        problems=("theirs: lacks 001",),
    )


def test_the_long_table_gives_back_every_value_exactly(evaluation):
    rows = list(csv.DictReader(io.StringIO(long_csv(evaluation))))
    assert len(rows) == 3 * 2 * 2
    assert list(rows[0]) == ["stem", "method", "metric", "convention", "value"]
    places = {
        (scene.stem, method.name, metric): evaluation.values[m, k, s]
        for s, scene in enumerate(evaluation.scenes)
        for m, method in enumerate(evaluation.methods)
        for k, metric in enumerate(evaluation.metrics)
    }
    read = {(r["stem"], r["method"], r["metric"]): float(r["value"] or "nan") for r in rows}
    assert read.keys() == places.keys()
    np.testing.assert_array_equal([read[place] for place in places], list(places.values()))
    assert {(r["metric"], r["convention"]) for r in rows} == {("EN", "imfuse"), ("PSNR", "peak 255")}
    assert sum(r["value"] == "" for r in rows) == 2


def test_the_record_is_plain_json_with_null_for_what_is_no_number(evaluation):
    record = summary_json(evaluation, summarise(evaluation), ["Few images."])
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    ours, theirs, _ = record["methods"]
    assert ours["metrics"]["PSNR"]["mean"] is None
    assert ours["metrics"]["PSNR"]["infinite"] == 1
    assert ours["metrics"]["PSNR"]["values"] == [None, 20.0]
    assert theirs["metrics"]["PSNR"]["infinite"] == 0
    assert theirs["images"] == 1
    assert theirs["metrics"]["EN"]["worst"] == ["000"]
    assert record["remarks"] == ["Few images."]
    assert record["problems"] == ["theirs: lacks 001"]
    assert record["tasks"] == []
    assert record["speed"] is None


def test_the_record_holds_the_statistics(evaluation):
    summary = summarise(evaluation, resamples=50, seed=3)
    record = summary_json(evaluation, summary)
    assert record["bootstrap"] == {"resamples": 50, "seed": 3, "coverage": 0.95}
    assert record["ranked"] == ["EN", "PSNR"]
    assert record["ranked_images"] == 1
    assert [metric["convention"] for metric in record["metrics"]] == ["imfuse", "peak 255"]
    for m, method in enumerate(record["methods"]):
        assert method["mean_rank"] == summary.mean_ranks[m]
        assert method["mean_rank_without_noise"] == summary.mean_ranks_without_noise[m]
        assert method["mean_rank_interval"] == [summary.mean_rank_low[m], summary.mean_rank_high[m]]
        assert method["metrics"]["EN"]["rank"] == summary.ranks[m, 0]
        assert method["metrics"]["EN"]["mean"] == pytest.approx(np.nanmean(evaluation.values[m, 0]))
    assert record["tests"]["metrics"]["EN"]["holm"] == summary.metric_tests.corrected[0].tolist()
    assert record["tests"]["mean_rank"]["p"] == summary.rank_tests.raw.tolist()
    assert "Holm" in record["tests"]["test"]


def test_task_scores_speeds_and_times_are_in_the_record(evaluation):
    tasks = [TaskScores("Detection", ("AP50",), (TaskRow("ours", (0.5,), (NAN,), (0.6,)),), 12)]
    row = SpeedRow("ivif", "onnxruntime", 640, 480, 1, 20.0, 19.0, 21.0, NAN, 90.0, 1000, 1e9, NAN)
    timed = replace(evaluation.methods[0], milliseconds={"000": 10.0, "001": 30.0})
    evaluation = replace(evaluation, methods=(timed, *evaluation.methods[1:]))
    record = summary_json(evaluation, summarise(evaluation), (), tasks, SpeedTable("one core", 50.0, (row,)))
    json.dumps(record, allow_nan=False)
    assert record["tasks"][0]["rows"][0] == {"name": "ours", "values": [0.5], "lower": [None], "upper": [0.6]}
    assert record["speed"]["rows"][0]["joules"] is None
    assert record["speed"]["rows"][0]["milliseconds"] == 20
    assert [method["milliseconds"] for method in record["methods"]] == [20, None, None]


def test_task_scores_are_lines_of_their_own_file():
    rows = (TaskRow("ours, new", (1 / 3, NAN), (0.1, NAN), (0.5, NAN)), TaskRow("theirs", (0.5, 0.25), (0, 0), (1, 1)))
    tasks = [TaskScores("Detection", ("AP50", "AP"), rows, 12), TaskScores("Masks", ("mIoU",), (rows[1],), 3)]
    tasks[1] = replace(tasks[1], rows=(TaskRow("theirs", (0.5,), (0.25,), (0.75,)),))
    lines = list(csv.reader(io.StringIO(tasks_csv(tasks))))
    assert lines[0] == ["task", "images", "method", "score", "value", "lower", "upper"]
    assert lines[1] == ["Detection", "12", "ours, new", "AP50", repr(1 / 3), "0.1", "0.5"]
    assert lines[2] == ["Detection", "12", "ours, new", "AP", "", "", ""]
    assert lines[5] == ["Masks", "3", "theirs", "mIoU", "0.5", "0.25", "0.75"]
    assert len(lines) == 6
