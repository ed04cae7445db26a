"""Detectors: what the graph is shown, how its output is read, and where boxes end up in the picture."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from imfuse.errors import EvaluationError
from imfuse.images.files import read_image
from imfuse.lab.bench.tasks import yolox
from imfuse.lab.bench.tasks.boxes import read_boxes
from imfuse.lab.bench.tasks.classes import COCO
from imfuse.lab.bench.tasks.detectors import Detector, suppress
from imfuse.lab.bench.tasks.layouts import LAYOUTS
from imfuse.lab.bench.tasks.matching import box_overlaps


def plain_yolox(row: np.ndarray, cell: int, size: tuple[int, int], picture: tuple[int, int]) -> list[float]:
    """The box of one raw row, written cell by cell from the definition; sizes are height and width."""
    for stride in (8, 16, 32):
        rows, columns = size[0] // stride, size[1] // stride
        if cell < rows * columns:
            break
        cell -= rows * columns
    x, y = (row[0] + cell % columns) * stride, (row[1] + cell // columns) * stride
    width, height = math.exp(row[2]) * stride, math.exp(row[3]) * stride
    ratio = min(size[0] / picture[0], size[1] / picture[1])
    return [v / ratio for v in (x - width / 2, y - height / 2, x + width / 2, y + height / 2)]


@pytest.mark.parametrize("picture", [(480, 640), (640, 480), (1024, 1280), (50, 31)])
@pytest.mark.parametrize("size", [(64, 96), (96, 64)])
def test_yolox_rows_become_boxes_of_the_picture(constant_graph, size, picture):
    generator = np.random.default_rng(0)
    cells = sum((size[0] // stride) * (size[1] // stride) for stride in (8, 16, 32))
    raw = generator.normal(0, 0.5, (1, cells, 7)).astype(np.float32)
    raw[..., 4:] = 0
    chosen = (0, 11, 101, cells - 1)
    raw[0, chosen, 4] = 0.9, 0.8, 0.7, 0.6
    raw[0, chosen, 5] = 0.5
    raw[0, chosen, 6] = 0.1
    found = Detector(constant_graph(raw, size), "yolox", ("cat", "dog"))(np.zeros((*picture, 3), np.uint8))
    assert found.labels.tolist() == [0] * 4
    assert found.scores == pytest.approx([0.45, 0.4, 0.35, 0.3])
    expected = [plain_yolox(raw[0, cell], cell, size, picture) for cell in chosen]
    assert np.allclose(found.boxes, expected, rtol=1e-5, atol=1e-3)


def test_yolox_sees_bgr_of_0_to_255_in_the_top_left_corner_of_grey_114():
    picture = np.zeros((30, 60, 3), np.uint8)
    picture[:] = 250, 100, 3
    shown = LAYOUTS["yolox"].prepare(picture, (64, 96))
    assert shown.shape == (3, 64, 96)
    assert shown.dtype == np.float32
    assert (shown[:, :48, :] == np.array([3, 100, 250]).reshape(3, 1, 1)).all()
    assert (shown[:, 48:, :] == 114).all()


def test_yolox_scales_as_opencv_does():
    picture = np.random.default_rng(0).integers(0, 256, (41, 67, 3), dtype=np.uint8)
    expected = cv2.resize(picture[..., ::-1], (int(67 * 64 / 67), int(41 * 64 / 67)), interpolation=cv2.INTER_LINEAR)
    shown = yolox.prepare(picture, (64, 64))
    assert (shown[:, :39].transpose(1, 2, 0) == expected).all()


@pytest.mark.parametrize("shape", [(256, 320), (320, 256), (None, None)])
@pytest.mark.parametrize("upright", [False, True])
def test_a_yolox_detector_finds_things_where_they_are(blue_detector, shape, upright):
    left, top, right, bottom = 240, 80, 400, 240
    picture = np.zeros((480, 640, 3), np.uint8)
    picture[top:bottom, left:right] = 10, 10, 255
    if upright:
        picture, (left, top, right, bottom) = picture.transpose(1, 0, 2).copy(), (top, left, bottom, right)
    found = Detector(blue_detector(shape), "auto", ("other", "blue"))(picture)
    best = found.boxes[found.scores > 0.99]
    assert len(best) >= 4
    assert (found.labels == 1).all()
    joined = [*best[:, :2].min(0), *best[:, 2:].max(0)]
    assert box_overlaps(np.array([joined]), np.array([[left, top, right, bottom]]))[0, 0] > 0.8


def test_large_yolox_networks_have_a_fourth_stride(constant_graph):
    cells = 64 + 16 + 4 + 1
    raw = np.zeros((1, cells, 6), np.float32)
    raw[0, -1] = 0.5, 0.5, 0, 0, 1, 1
    found = Detector(constant_graph(raw, (64, 64)), "auto", ("cat",))(np.zeros((64, 64, 3), np.uint8))
    assert found.boxes.tolist() == [[0, 0, 64, 64]]


def decoded_output(size: tuple[int, int]) -> np.ndarray:
    rows = []
    for stride in (8, 16, 32):
        for y in range(size[0] // stride):
            rows += [[(x + 0.5) * stride, (y + 0.5) * stride, stride, stride, 0, 1] for x in range(size[1] // stride)]
    return np.array([rows], np.float32)


@pytest.mark.parametrize("layout", ["auto", "yolox", "yolox-decoded"])
def test_decoded_yolox_rows_are_pixels_of_the_input(constant_graph, layout):
    output = decoded_output((64, 96))
    output[0, 17, 4] = 0.7
    detector = Detector(constant_graph(output, (64, 96)), layout, ("cat",))
    assert detector.layout.name == "yolox-decoded"
    found = detector(np.zeros((128, 192, 3), np.uint8))
    assert found.boxes.tolist() == [[80, 16, 96, 32]]  # the cell 5, 1 of 12 columns, twice as large


@pytest.mark.parametrize("layout", ["auto", "yolox"])
def test_raw_yolox_rows_are_told_from_decoded_ones(constant_graph, layout):
    raw = np.zeros((1, 12 * 8 + 6 * 4 + 3 * 2, 6), np.float32)
    raw[..., :2], raw[..., 5], raw[0, 17, 4] = 0.5, 1, 0.7
    detector = Detector(constant_graph(raw, (64, 96)), layout, ("cat",))
    assert detector.layout.name == "yolox"
    assert detector(np.zeros((128, 192, 3), np.uint8)).boxes.tolist() == [[80, 16, 96, 32]]


def test_decoded_yolox_rows_can_be_asked_for_whatever_the_output_looks_like(constant_graph):
    output = np.zeros((1, 12 * 8 + 6 * 4 + 3 * 2, 6), np.float32)
    detector = Detector(constant_graph(output, (64, 96)), "yolox-decoded", ("cat",))
    assert detector.layout.name == "yolox-decoded"


@pytest.mark.parametrize("picture", [(480, 640), (700, 300)])
def test_fastestdet_cells_become_boxes_of_the_picture(constant_graph, picture):
    raw = np.zeros((1, 8, 22, 22), np.float32)
    raw[0, :5, 7, 3] = 0.9, 0.3, -0.2, -1.5, -2
    raw[0, 5:, 7, 3] = 0.1, 0.8, 0.1
    detector = Detector(constant_graph(raw, (352, 352)), "auto", ("cat", "dog", "cow"))
    assert detector.layout.name == "fastestdet"
    found = detector(np.zeros((*picture, 3), np.uint8))
    x, y = (3 + math.tanh(0.3)) / 22, (7 + math.tanh(-0.2)) / 22
    width, height = 1 / (1 + math.exp(1.5)), 1 / (1 + math.exp(2))
    expected = np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])
    assert found.boxes[0] == pytest.approx(expected * np.array([picture[1], picture[0]] * 2), rel=1e-5)
    assert found.scores == pytest.approx([0.9**0.6 * 0.8**0.4])
    assert found.labels.tolist() == [1]


def test_fastestdet_sees_the_stretched_picture_as_bgr_in_0_to_1():
    picture = np.zeros((30, 60, 3), np.uint8)
    picture[:] = 255, 51, 0
    shown = LAYOUTS["fastestdet"].prepare(picture, (352, 352))
    assert shown.shape == (3, 352, 352)
    assert shown[:, 5, 300] == pytest.approx([0, 0.2, 1])


def test_weaker_boxes_of_one_class_are_suppressed_and_those_of_others_stay():
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 9], [0, 0, 10, 3], [50, 50, 60, 60]], np.float32)
    scores = np.array([[0.9, 0], [0.8, 0], [0, 0.7], [0.6, 0], [0.005, 0]], np.float32)
    found = suppress(boxes, scores, 0.45)
    assert found.scores == pytest.approx([0.9, 0.7, 0.6])
    assert found.labels.tolist() == [0, 1, 0]


def test_an_output_of_no_layout_is_named_with_the_layouts(constant_graph):
    path = constant_graph(np.zeros((1, 84, 8400)), (640, 640))
    with pytest.raises(EvaluationError, match=r"\(1, 84, 8400\).*640x640.*yolox.*yolox-decoded.*fastestdet"):
        Detector(path)
    with pytest.raises(EvaluationError, match=r"\(1, 84, 8400\)"):
        Detector(path, "yolox")


def test_an_unknown_layout_is_an_error(constant_graph):
    with pytest.raises(EvaluationError, match=r"'yolov9'.*expected auto, yolox"):
        Detector(constant_graph(np.zeros((1, 84, 6)), (64, 64)), "yolov9")


def test_another_number_of_classes_is_an_error(constant_graph):
    with pytest.raises(EvaluationError, match=r"holds 1 classes, and 80 names"):
        Detector(constant_graph(np.zeros((1, 84, 6)), (64, 64)))


def test_a_file_that_is_no_graph_is_an_error(tmp_path):
    with pytest.raises(EvaluationError, match=r"none\.onnx: no such file"):
        Detector(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_text("no graph")
    with pytest.raises(EvaluationError, match=r"text\.onnx: ONNX Runtime cannot load it"):
        Detector(tmp_path / "text.onnx")


def test_another_input_than_a_colour_picture_is_an_error(constant_graph, save_graph):
    from onnx import TensorProto, helper

    nodes = [helper.make_node("Cast", ["image"], ["output"], to=TensorProto.FLOAT)]
    with pytest.raises(EvaluationError, match=r"found the inputs image \[1, 1, 64, 64\]"):
        Detector(save_graph(nodes, shape=(1, 1, 64, 64)))
    with pytest.raises(EvaluationError, match=r"tensor\(uint8\)"):
        Detector(save_graph(nodes, shape=(1, 3, 64, 64), kind=TensorProto.UINT8))


@pytest.mark.parametrize(("stem", "least"), [("00131D", 1), ("00638D", 1)])
def test_fastestdet_meets_what_is_labelled_by_day(shared_data, stem, least):
    model = shared_data.parent / "models" / "FastestDet.onnx"
    if not model.is_file():
        pytest.skip("FastestDet.onnx is not on this machine")
    folder = shared_data / "infrared" / "MSRS" / "test"
    picture = np.asarray(read_image(folder / "vis" / f"{stem}.png").pixels, np.uint8)
    found = Detector(model)(picture)
    objects = read_boxes(folder / "boxes", [stem], COCO)[stem]
    overlaps = box_overlaps(found.boxes[found.scores > 0.2], objects.boxes * np.array([640, 480, 640, 480]))
    same = found.labels[found.scores > 0.2][:, None] == objects.labels
    assert ((overlaps * same).max(0) > 0.5).sum() >= least
