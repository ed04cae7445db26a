"""`imfuse eval` with networks that read the images, and with the speed of the models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from imfuse.images.files import write_image
from imfuse.scenes import simulate

CELLS = 4 * 4 + 2 * 2 + 1
"""Of strides 8, 16 and 32 in a picture of 32 x 32."""


def _save(path: Path, node: onnx.NodeProto, constant: np.ndarray, shape: list[int | str]) -> None:
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "tiny", [image], [output], [numpy_helper.from_array(constant, "constant")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sources with labels, a detector that always finds the same, and a segmenter that looks at the brightness."""
    for number in range(3):
        scene = simulate(72, 96, seed=number)
        write_image(tmp_path / "ir" / f"{number}.png", scene.infrared)
        write_image(tmp_path / "vis" / f"{number}.png", scene.visible)
        write_image(tmp_path / "masks" / f"{number}.png", (scene.infrared > 128).astype(np.uint8))
        (tmp_path / "boxes").mkdir(exist_ok=True)
        (tmp_path / "boxes" / f"{number}.txt").write_text("1 0.5 0.5 1 1\n")
    found = np.zeros((1, CELLS, 7), np.float32)
    found[0, 0] = [2, 2, 1.386, 1.386, 0.9, 0.1, 0.8]  # a box of 32 x 32 about (16, 16), of the second class
    _save(tmp_path / "detector.onnx", helper.make_node("Identity", ["constant"], ["output"]), found, [1, 3, 32, 32])
    weights = np.stack([-np.ones((3, 1, 1)), np.ones((3, 1, 1))]).astype(np.float32)
    _save(
        tmp_path / "segmenter.onnx",
        helper.make_node("Conv", ["image", "constant"], ["output"]),
        weights,
        [1, 3, "h", "w"],
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


WORDS = ["eval", "--sources", "ir", "vis", "--model", "laplacian", "--metrics", "EN", "-o", "report", "-j", "1"]
DETECTION = ["--detector", "detector.onnx", "--boxes", "boxes", "--layout", "yolox"]
DETECTION += ["--detector-classes", "car", "person"]
SEGMENTATION = ["--segmenter", "segmenter.onnx", "--masks", "masks", "--mask-classes", "background", "person"]


def test_both_tasks_are_scored_for_each_method_and_each_source(folder, imfuse, capsys):
    assert imfuse(*WORDS, *DETECTION, *SEGMENTATION) == 0
    out = capsys.readouterr().out
    detection, segmentation = json.loads(Path("report/summary.json").read_text(encoding="utf-8"))["tasks"]
    names = ["laplacian", "Average", "Maximum", "ir alone", "vis alone"]
    assert [row["name"] for row in detection["rows"]] == names
    assert [row["name"] for row in segmentation["rows"]] == names
    assert detection["rows"][0]["values"][0] == 1  # AP50 of a detector that is always right
    assert 0 < segmentation["rows"][0]["values"][0] < 1
    assert "Detection by detector.onnx, 3 images" in out
    assert "Segmentation by segmenter.onnx, 3 images" in out
    assert out.count("ir alone") == 2


def test_boxes_masks_and_segmenter_have_classes_of_their_own(folder, imfuse):
    names = ["--box-classes", "lamp", "people", "--segmenter-classes", "person", "background"]
    assert imfuse(*WORDS, *DETECTION, *SEGMENTATION, *names, "--quiet") == 0
    detection, turned = json.loads(Path("report/summary.json").read_text(encoding="utf-8"))["tasks"]
    assert detection["columns"][2:] == ["AP50 people", "AP people"]
    assert imfuse(*WORDS, *SEGMENTATION, "--quiet") == 0
    (straight,) = json.loads(Path("report/summary.json").read_text(encoding="utf-8"))["tasks"]
    assert turned["columns"] == straight["columns"] == ["mIoU", "IoU background", "IoU person"]
    assert turned["rows"][0]["values"][0] < straight["rows"][0]["values"][0]


def test_a_changed_label_is_noticed_and_what_was_detected_is_kept(folder, imfuse, capsys):
    imfuse(*WORDS, *DETECTION)
    before = {path: path.read_bytes() for path in Path("report/.cache/tasks").iterdir()}
    Path("boxes/0.txt").write_text("0 0.5 0.5 1 1\n")
    capsys.readouterr()
    assert imfuse(*WORDS, *DETECTION, "--json") == 0
    values = json.loads(capsys.readouterr().out)["tasks"][0]["rows"][0]["values"]
    assert values[0] < 1
    assert before == {path: path.read_bytes() for path in Path("report/.cache/tasks").iterdir()}


def test_a_network_that_cannot_be_run_is_an_error_and_what_is_measured_is_kept(folder, imfuse, capsys):
    Path("detector.onnx").write_bytes(b"no network")
    assert imfuse(*WORDS, *DETECTION) == 1
    assert "detector.onnx" in capsys.readouterr().err
    assert Path("report/.cache/cache.jsonl").read_bytes().count(b"\n") == 3 * (1 + 3)


def test_the_speed_of_the_models_is_in_the_report(folder, imfuse):
    assert imfuse(*WORDS, "--speed", "--quiet") == 0
    speed = json.loads(Path("report/summary.json").read_text(encoding="utf-8"))["speed"]
    assert [(row["model"], row["width"], row["threads"]) for row in speed["rows"]] == [("laplacian", 640, 1)]
    assert speed["rows"][0]["milliseconds"] > 0


def test_scores_of_nothing_are_warned_of_in_every_run(folder, imfuse, capsys):
    wrong = ["--detector", "detector.onnx", "--boxes", "boxes", "--detector-classes", "car", "person"]
    for _ in range(2):
        assert imfuse(*WORDS, *wrong, "--box-classes", "person", "car", "--quiet") == 0
        assert "Doubtful: AP50 is below 0.005 in every row" in capsys.readouterr().err.replace("\n", " ")
