"""Tiny networks as ONNX files, and sets of pictures to show them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from imfuse.lab.bench.evaluation import AVERAGE, Evaluation, Method, Scene  # noqa: E402

SaveGraph = Callable[..., Path]


@pytest.fixture
def save_graph(tmp_path: Path) -> SaveGraph:
    """Write a graph of nodes from `image` to `output`."""

    def save(
        nodes: Sequence[onnx.NodeProto],
        *,
        shape: Sequence[int | str | None] = (1, 3, None, None),
        constants: dict[str, np.ndarray] | None = None,
        name: str = "network.onnx",
        kind: int = TensorProto.FLOAT,
    ) -> Path:
        graph = helper.make_graph(
            list(nodes),
            "tiny",
            [helper.make_tensor_value_info("image", kind, list(shape))],
            [helper.make_tensor_value_info("output", TensorProto.FLOAT, None)],
            [numpy_helper.from_array(value, key) for key, value in (constants or {}).items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        onnx.save(model, tmp_path / name)
        return tmp_path / name

    return save


@pytest.fixture
def constant_graph(save_graph: SaveGraph) -> SaveGraph:
    """Write a graph that gives the same output for every picture of its size."""

    def save(output: np.ndarray, shape: Sequence[int | None], **options: str) -> Path:
        nodes = [helper.make_node("Identity", ["value"], ["output"])]
        return save_graph(nodes, shape=(1, 3, *shape), constants={"value": output.astype(np.float32)}, **options)

    return save


@pytest.fixture
def blue_detector(save_graph: SaveGraph) -> SaveGraph:
    """Write a detector of the YOLOX layout and two classes that finds every cell which is blue, as its second class.

    Its objectness is the mean blue of a cell, its box the cell. Any size that is a multiple of 32.
    """

    def save(shape: tuple[int | None, int | None] = (None, None), **options: str) -> Path:
        constants = {
            "blue": np.array([1 / 255, 0, 0], np.float32).reshape(1, 3, 1, 1),
            "flat": np.array([1, 1, -1], np.int64),
            "zero": np.float32(0),
            "half": np.float32(0.5),
            "one": np.float32(1),
        }
        nodes = [helper.make_node("Conv", ["image", "blue"], ["plane"])]
        for stride in (8, 16, 32):
            made = [f"{part}{stride}" for part in ("pool", "objectness", "nothing", "centre", "certain", "cells")]
            pool, objectness, nothing, centre, certain, cells = made
            square = {"kernel_shape": [stride, stride], "strides": [stride, stride]}
            nodes += [
                helper.make_node("AveragePool", ["plane"], [pool], **square),
                helper.make_node("Reshape", [pool, "flat"], [objectness]),
                helper.make_node("Mul", [objectness, "zero"], [nothing]),
                helper.make_node("Add", [nothing, "half"], [centre]),
                helper.make_node("Add", [nothing, "one"], [certain]),
                helper.make_node(
                    "Concat", [centre, centre, nothing, nothing, objectness, nothing, certain], [cells], axis=1
                ),
            ]
        nodes.append(helper.make_node("Concat", ["cells8", "cells16", "cells32"], ["all"], axis=2))
        nodes.append(helper.make_node("Transpose", ["all"], ["output"], perm=[0, 2, 1]))
        return save_graph(nodes, shape=(1, 3, *shape), constants=constants, **options)

    return save


@pytest.fixture
def red_segmenter(save_graph: SaveGraph) -> SaveGraph:
    """Write a segmentation network that gives class 1 where red is brighter than ImageNet's mean, else class 0."""

    def save(classes: int = 2, shape: tuple[int | None, int | None] = (None, None), **options: str) -> Path:
        weight = np.zeros((classes, 3, 1, 1), np.float32)
        weight[:2, 0, 0, 0] = -1, 1
        bias = np.full(classes, -100, np.float32)
        bias[:2] = 0
        nodes = [helper.make_node("Conv", ["image", "weight", "bias"], ["output"])]
        return save_graph(nodes, shape=(1, 3, *shape), constants={"weight": weight, "bias": bias}, **options)

    return save


def write(path: Path, rgb: np.ndarray) -> Path:
    """Write grey or RGB pixels."""
    path.parent.mkdir(exist_ok=True, parents=True)
    assert cv2.imwrite(str(path), rgb[..., ::-1] if rgb.ndim == 3 else rgb)
    return path


@pytest.fixture
def make_evaluation(tmp_path: Path) -> Callable[..., Evaluation]:
    """Write infrared and visible pictures by stem, and methods' pictures by name and stem, as an evaluation."""

    def make(
        sources: dict[str, tuple[np.ndarray, np.ndarray]], methods: dict[str, dict[str, np.ndarray]]
    ) -> Evaluation:
        scenes = []
        for stem, pictures in sources.items():
            folders = zip(("infrared", "visible"), pictures, strict=True)
            scenes.append(Scene(stem, tuple(write(tmp_path / name / f"{stem}.png", rgb) for name, rgb in folders)))
        rows = [
            Method(name, "folder", {stem: write(tmp_path / name / f"{stem}.png", rgb) for stem, rgb in files.items()})
            for name, files in methods.items()
        ]
        rows.append(Method(AVERAGE, "reference"))
        values = np.zeros((len(rows), 0, len(scenes)))
        return Evaluation("tiny", ("infrared", "visible"), tuple(scenes), tuple(rows), (), (), values)

    return make
