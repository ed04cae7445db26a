"""Detection scores of an evaluation: rows, classes, images that count, remarks, and runs that go on."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pycocotools")

from imfuse.errors import EvaluationError
from imfuse.lab.bench.tasks import COCO, count_labelled, score_detection
from imfuse.lab.bench.tasks.detectors import Detector

GREY = np.full((64, 96), 60, np.uint8)
CELLS = {"one": (16, 8), "two": (40, 24), "three": (72, 48)}
"""Left and top of the blue square of each scene: a cell of the finest stride."""


def blue_square(left: int, top: int) -> np.ndarray:
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[top : top + 8, left : left + 8] = 0, 0, 255
    return picture


@pytest.fixture
def scene_pictures():
    return {stem: (GREY, blue_square(*corner)) for stem, corner in CELLS.items()}


@pytest.fixture
def boxes(tmp_path):
    folder = tmp_path / "boxes"
    folder.mkdir()
    for stem, (left, top) in CELLS.items():
        (folder / f"{stem}.txt").write_text(f"1 {(left + 4) / 96} {(top + 4) / 64} {8 / 96} {8 / 64}\n")
    return folder


@pytest.fixture
def evaluation(make_evaluation, scene_pictures):
    good = {stem: pictures[1] for stem, pictures in scene_pictures.items()}
    bad = {stem: np.zeros((64, 96, 3), np.uint8) for stem in CELLS}
    return make_evaluation(scene_pictures, {"good": good, "bad": bad})


def score(evaluation, detector, boxes, **options):
    names = {"classes": ("other", "blue"), "detector_classes": ("cat", "blue")}
    return score_detection(evaluation, detector, boxes, **{"resamples": 40, **names, **options})


def test_rows_are_the_methods_and_each_source_alone(evaluation, blue_detector, boxes):
    scores = score(evaluation, blue_detector((64, 96)), boxes)
    assert scores.title == "Detection by network.onnx"
    assert scores.columns == ("AP50", "AP", "AP50 blue", "AP blue")
    assert [row.name for row in scores.rows] == ["good", "bad", "Average", "infrared alone", "visible alone"]
    values = {row.name: row.values for row in scores.rows}
    assert values["good"] == values["visible alone"] == pytest.approx((1, 1, 1, 1))
    assert values["bad"] == (0, 0, 0, 0)
    assert scores.images == 3
    assert any("3 images with 3 boxes of blue" in remark for remark in scores.remarks)
    assert any("bad -1.000 (-1.000 to -1.000)" in remark for remark in scores.remarks)


def test_grey_fused_images_are_shown_in_the_colours_of_the_visible_source(
    make_evaluation, scene_pictures, blue_detector, boxes
):
    dark = {stem: np.full((64, 96), 40, np.uint8) for stem in CELLS}
    scores = score(make_evaluation(scene_pictures, {"grey": dark}), blue_detector((64, 96)), boxes)
    assert scores.rows[0].values[0] == pytest.approx(1)  # without chroma nothing is bluer than the rest
    assert scores.rows[2].name == "infrared alone"
    assert scores.rows[2].values[0] < 0.5


def test_16_bit_thermal_is_shown_well_exposed(make_evaluation, blue_detector, boxes):
    sources = {}
    for stem, (left, top) in CELLS.items():
        thermal = np.random.default_rng(0).integers(7000, 7010, (64, 96)).astype(np.uint16)
        thermal[top : top + 8, left : left + 8] = 7600
        sources[stem] = (thermal, np.zeros((64, 96, 3), np.uint8))
    scores = score(make_evaluation(sources, {}), blue_detector((64, 96)), boxes)
    values = {row.name: row.values[0] for row in scores.rows}
    assert values["infrared alone"] == pytest.approx(1)
    assert values["visible alone"] == 0


def test_images_without_a_file_of_boxes_are_not_scored(evaluation, blue_detector, boxes):
    (boxes / "two.txt").unlink()
    (boxes / "three.txt").write_text("")
    scores = score(evaluation, blue_detector((64, 96)), boxes)
    assert scores.images == 2
    assert "1 images without labels are not scored." in scores.remarks
    assert scores.rows[0].values[0] < 1  # what is found in an image without objects is wrong


def test_images_that_a_method_lacks_are_scored_for_none(make_evaluation, scene_pictures, blue_detector, boxes):
    pictures = {stem: both[1] for stem, both in scene_pictures.items()}
    some = {stem: pictures[stem] for stem in ("one", "three")}
    scores = score(make_evaluation(scene_pictures, {"all": pictures, "some": some, "none": {}}), blue_detector(), boxes)
    assert scores.images == 2
    assert [row.name for row in scores.rows][:2] == ["all", "some"]
    assert "1 labelled images that some method lacks are not scored." in scores.remarks
    assert "Left out, for want of labelled images: none." in scores.remarks


def test_a_picture_that_cannot_be_shown_is_left_out_and_named(evaluation, blue_detector, boxes, tmp_path):
    (tmp_path / "good" / "two.png").write_bytes(b"no picture")
    (tmp_path / "bad" / "three.png").write_bytes((tmp_path / "good" / "three.png").read_bytes())
    scores = score(evaluation, blue_detector((64, 96)), boxes)
    assert scores.images == 2
    assert any("Not scored:" in remark and "two.png" in remark for remark in scores.remarks)


def test_another_size_than_the_sources_is_left_out_and_named(make_evaluation, scene_pictures, blue_detector, boxes):
    pictures = {stem: both[1] for stem, both in scene_pictures.items()} | {"one": np.zeros((32, 96), np.uint8)}
    scores = score(make_evaluation(scene_pictures, {"good": pictures}), blue_detector((64, 96)), boxes)
    assert scores.images == 2
    assert any("one.png is 96 x 32, and its sources are 96 x 64" in remark for remark in scores.remarks)


def test_when_no_picture_can_be_shown_it_is_an_error(evaluation, blue_detector, boxes, tmp_path):
    for stem in CELLS:
        (tmp_path / "visible" / f"{stem}.png").write_bytes(b"no picture")
    with pytest.raises(EvaluationError, match=r"no labelled image could be scored; Not scored: .*one\.png"):
        score(evaluation, blue_detector((64, 96)), boxes)


def test_classes_that_the_detector_does_not_know_are_left_out_and_named(evaluation, blue_detector, boxes):
    with (boxes / "one.txt").open("a") as file:
        file.write("2 0.5 0.5 0.2 0.2\n")
    scores = score(evaluation, blue_detector((64, 96)), boxes, classes=("other", "blue", "lamp"))
    assert scores.columns == ("AP50", "AP", "AP50 blue", "AP blue")
    assert "The detector does not know lamp: their boxes are left out." in scores.remarks
    assert scores.rows[0].values[0] == pytest.approx(1)


def test_labels_of_which_the_detector_knows_none_are_an_error(evaluation, blue_detector, boxes):
    with pytest.raises(
        EvaluationError, match=r"holds the classes lamp, of which the detector knows none; it knows cat"
    ):
        score(evaluation, blue_detector((64, 96)), boxes, classes=("other", "lamp"))


def test_misspelt_names_are_said_with_the_nearest_that_is_known(evaluation, blue_detector, boxes):
    with pytest.raises(
        EvaluationError, match=r"classes bleu \(did you mean blue\?\), of which the detector knows none"
    ):
        score(evaluation, blue_detector((64, 96)), boxes, classes=("other", "bleu"))


def test_a_human_is_a_person(evaluation, blue_detector, boxes):
    scores = score(
        evaluation, blue_detector((64, 96)), boxes, classes=("x", "human"), detector_classes=("cat", "person")
    )
    assert scores.rows[0].values[0] == pytest.approx(1)
    assert not any(remark.startswith("Doubtful") for remark in scores.remarks)


def test_names_in_a_wrong_order_that_the_detector_knows_are_doubted(evaluation, blue_detector, boxes):
    scores = score(evaluation, blue_detector((64, 96)), boxes, classes=("blue", "cat"))
    assert scores.remarks[0].startswith("Doubtful: AP50 is below 0.005 in every row")
    assert "1 as cat" in scores.remarks[0]


def test_boxes_without_any_object_are_an_error(evaluation, blue_detector, boxes):
    for path in boxes.iterdir():
        path.write_text("")
    with pytest.raises(EvaluationError, match="3 images hold no object"):
        score(evaluation, blue_detector((64, 96)), boxes)


def test_names_are_read_beside_the_boxes(evaluation, blue_detector, boxes):
    (boxes.parent / "classes.txt").write_text("cat\nBlue\n")
    scores = score(evaluation, blue_detector((64, 96)), boxes, classes=None)
    assert scores.columns[2] == "AP50 Blue"


def test_without_names_class_numbers_are_the_detectors(evaluation, blue_detector, boxes):
    scores = score(evaluation, blue_detector((64, 96)), boxes, classes=None)
    assert any("class numbers read as 1 blue" in remark for remark in scores.remarks)
    with pytest.raises(EvaluationError, match="holds 2 classes, and 80 names"):
        score(evaluation, blue_detector((64, 96)), boxes, classes=None, detector_classes=COCO)


def test_progress_is_told_for_each_labelled_image(evaluation, blue_detector, boxes):
    (boxes / "two.txt").unlink()
    told = []
    score(evaluation, blue_detector((64, 96)), boxes, advance=lambda: told.append(1))
    assert len(told) == count_labelled(evaluation, boxes) == 2


def test_a_second_run_detects_nothing_anew(evaluation, blue_detector, boxes, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    model = blue_detector((64, 96))
    first = score(evaluation, model, boxes, cache=cache)
    next(cache.iterdir()).write_text("damaged")
    calls = []
    detect = Detector.__call__
    monkeypatch.setattr(Detector, "__call__", lambda self, picture: calls.append(1) or detect(self, picture))
    assert score(evaluation, model, boxes, cache=cache) == first
    assert len(calls) <= 1 < len(list(cache.iterdir()))


def test_the_seed_decides_the_intervals(evaluation, blue_detector, boxes):
    (boxes / "three.txt").write_text("1 0.1 0.1 0.1 0.1\n")
    model = blue_detector((64, 96))
    first = score(evaluation, model, boxes)
    assert score(evaluation, model, boxes) == first
    assert first.rows[0].lower[0] < first.rows[0].values[0] < first.rows[0].upper[0]


def test_all_classes_count_in_every_resample_of_the_mean(evaluation, blue_detector, boxes):
    """The cats of one image are never found, so that the mean is half of what it is without them."""
    (boxes / "one.txt").write_text("0 0.5 0.5 0.1 0.1\n" + (boxes / "one.txt").read_text())
    scores = score(evaluation, blue_detector((64, 96)), boxes, classes=("cat", "blue"), resamples=200)
    good = scores.rows[0]
    assert scores.columns[:4] == ("AP50", "AP", "AP50 cat", "AP cat")
    assert (good.values[0], good.values[2], good.values[4]) == pytest.approx((0.5, 0, 1))
    assert (good.lower[0], good.upper[0]) == pytest.approx((0.5, 0.5))  # no resample takes the blue ones alone
    lacking = next(remark for remark in scores.remarks if "are left out of the intervals" in remark)
    share = int(lacking.split()[0]) / 200
    assert lacking.startswith(f"{share * 200:.0f} of 200 resamples hold no object of some class")
    assert share == pytest.approx((2 / 3) ** 3, abs=0.1)


def test_resamples_that_hold_all_classes_are_not_remarked_on(evaluation, blue_detector, boxes):
    assert not any("left out of the intervals" in r for r in score(evaluation, blue_detector((64, 96)), boxes).remarks)


def test_fastestdet_sees_more_cars_in_daylight_than_in_infrared(shared_data, make_evaluation):
    from imfuse.images.files import read_image

    model = shared_data.parent / "models" / "FastestDet.onnx"
    if not model.is_file():
        pytest.skip("FastestDet.onnx is not on this machine")
    folder = shared_data / "infrared" / "MSRS" / "test"
    stems = ("00131D", "00147D", "00345D", "00440D")
    sources = {
        stem: tuple(np.asarray(read_image(folder / place / f"{stem}.png").pixels) for place in ("ir", "vis"))
        for stem in stems
    }
    scores = score_detection(make_evaluation(sources, {}), model, folder / "boxes", resamples=50)
    values = {row.name: row.values[scores.columns.index("AP50 car")] for row in scores.rows}
    assert values["visible alone"] > 0.6
    assert values["visible alone"] > values["infrared alone"]
