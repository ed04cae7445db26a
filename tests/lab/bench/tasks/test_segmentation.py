"""Segmentation scores of an evaluation, by ONNX networks and by torchvision's."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import multiclass_jaccard_index
from torchvision.models import get_model

from imfuse.errors import EvaluationError
from imfuse.lab.bench.tasks import score_segmentation
from imfuse.lab.bench.tasks.segmentation import intersection_over_union
from imfuse.lab.bench.tasks.segmenters import OnnxSegmenter, TorchvisionSegmenter, load_segmenter

STEMS = ("one", "two", "three", "four")
NETWORK = "lraspp_mobilenet_v3_large"


def red_pictures(seed: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {stem: generator.integers(0, 256, (20, 30, 3), dtype=np.uint8) for stem in STEMS}


@pytest.fixture
def visible():
    return red_pictures(0)


@pytest.fixture
def masks(tmp_path, visible):
    """Where red is bright, with a tenth of the pixels wrong and a tenth not labelled."""
    generator = np.random.default_rng(1)
    for stem, picture in visible.items():
        mask = (picture[..., 0] > 123).astype(np.uint8)
        chance = generator.random(mask.shape)
        mask[chance < 0.1] ^= 1
        mask[chance > 0.9] = 255
        write(tmp_path / "masks" / f"{stem}.png", mask)
    return tmp_path / "masks"


@pytest.fixture
def evaluation(make_evaluation, visible):
    grey = np.full((20, 30), 90, np.uint8)
    return make_evaluation({stem: (grey, visible[stem]) for stem in STEMS}, {"theirs": red_pictures(5)})


def score(evaluation, segmenter, masks, **options):
    return score_segmentation(evaluation, segmenter, masks, **{"resamples": 50, **options})


def write(path: Path, mask: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    assert cv2.imwrite(str(path), mask)


def read(masks: Path) -> dict[str, np.ndarray]:
    return {stem: cv2.imread(str(masks / f"{stem}.png"), cv2.IMREAD_UNCHANGED) for stem in STEMS}


def test_scores_equal_torchmetrics(evaluation, red_segmenter, masks, visible):
    scores = score(evaluation, red_segmenter(), masks, classes=("background", "red"))
    assert scores.title == "Segmentation by network.onnx"
    assert scores.columns == ("mIoU", "IoU background", "IoU red")
    assert [row.name for row in scores.rows] == ["theirs", "Average", "infrared alone", "visible alone"]
    assert scores.images == 4
    truth = torch.from_numpy(np.stack(list(read(masks).values()))).long()
    for name, pictures in (("theirs", red_pictures(5)), ("visible alone", visible)):
        found = torch.from_numpy(np.stack([pictures[stem][..., 0] > 123 for stem in STEMS])).long()
        expected = multiclass_jaccard_index(found, truth, 2, average="none", ignore_index=255)
        row = next(row for row in scores.rows if row.name == name)
        assert row.values == pytest.approx((expected.mean().item(), *expected.tolist()), abs=1e-6)
        assert all(low < value < high for low, value, high in zip(row.lower, row.values, row.upper, strict=True))
    assert any("255: they are not labelled" in remark for remark in scores.remarks)


def test_resamples_equal_the_score_of_the_images_that_were_drawn():
    confusion = np.random.default_rng(0).integers(0, 50, (5, 3, 4)).astype(float)
    drawn = [0, 0, 2, 4, 4]
    weights = np.bincount(drawn, minlength=5)[None].astype(float)
    once = intersection_over_union(np.tensordot(weights, confusion, 1))
    again = intersection_over_union(sum(confusion[image] for image in drawn)[None])
    assert np.allclose(once, again)
    assert again[0, 0] == pytest.approx(again[0, 1:].mean())


def test_classes_without_true_pixels_are_left_out_of_the_mean():
    confusion = np.array([[[8, 0, 0, 0], [0, 0, 0, 0], [2, 0, 4, 2]]], float)
    assert intersection_over_union(confusion)[0] == pytest.approx([(0.8 + 0.5) / 2, 0.8, np.nan, 0.5], nan_ok=True)


def test_a_network_of_fixed_size_is_shown_the_stretched_picture(red_segmenter):
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:, 30:] = 255, 0, 0
    found = OnnxSegmenter(red_segmenter(2, (32, 32)))(picture, (40, 60))
    assert found.shape == (40, 60)
    assert (found[:, 32:] == 1).all()
    assert (found[:, :28] == 0).all()


def test_the_input_is_normalised_as_that_of_imagenet(red_segmenter):
    picture = np.array([[[0.485 * 255 + 1] * 3, [0.485 * 255 - 1] * 3]]).round().astype(np.uint8)
    assert OnnxSegmenter(red_segmenter())(picture, (1, 2)).tolist() == [[1, 0]]


def test_classes_are_matched_by_name(evaluation, red_segmenter, masks):
    first = score(evaluation, red_segmenter(), masks, classes=("background", "red"))
    turned = score(
        evaluation, red_segmenter(), masks, classes=("red", "background"), segmenter_classes=("background", "red")
    )
    assert turned.columns == ("mIoU", "IoU red", "IoU background")
    assert turned.rows[3].values[0] < first.rows[3].values[0]  # since the masks are read the other way round


def test_classes_that_masks_have_no_name_for_are_background(evaluation, red_segmenter, masks):
    names = ("dog", "person")  # dog where red is dark
    scores = score(
        evaluation, red_segmenter(), masks, classes=("background", "person"), segmenter_classes=("dog", "person")
    )
    assert scores.columns == ("mIoU", "IoU person")
    assert "The network does not know background: their pixels do not count." in scores.remarks
    three = score(
        evaluation,
        red_segmenter(3, name="three.onnx"),
        masks,
        classes=("background", "person"),
        segmenter_classes=(*names[:1], "person", "background"),
    )
    expected = score(evaluation, red_segmenter(), masks, classes=("background", "person"))
    assert [row.values for row in three.rows] == [row.values for row in expected.rows]
    assert any("have no name for count as background" in remark for remark in three.remarks)


def test_masks_of_0_and_255_are_read_as_two_classes(evaluation, red_segmenter, masks, visible):
    for stem, picture in visible.items():
        write(masks / f"{stem}.png", ((picture[..., 0] > 123) * 255).astype(np.uint8))
    scores = score(evaluation, red_segmenter(), masks, classes=("background", "red"))
    assert scores.rows[3].values == (1, 1, 1)
    assert any("255 is read as 1" in remark for remark in scores.remarks)


def test_another_number_of_classes_is_an_error(evaluation, red_segmenter, masks):
    with pytest.raises(EvaluationError, match="gives 2 classes, and 3 names were given"):
        score(evaluation, red_segmenter(), masks, classes=("background", "red", "blue"))
    write(masks / "two.png", np.full((20, 30), 7, np.uint8))
    with pytest.raises(EvaluationError, match=r"two\.png: found the value 7; the 2 names"):
        score(evaluation, red_segmenter(), masks)


def test_masks_of_which_the_network_knows_no_class_are_an_error(evaluation, red_segmenter, masks):
    with pytest.raises(EvaluationError, match="holds the classes soil, crop, of which the network knows none"):
        score(evaluation, red_segmenter(), masks, classes=("soil", "crop"), segmenter_classes=("cat", "dog"))


def test_an_output_that_is_no_logits_is_an_error(constant_graph):
    with pytest.raises(EvaluationError, match=r"shape \(1, 84, 6\) for an input of 64x64 .*; expected logits"):
        OnnxSegmenter(constant_graph(np.zeros((1, 84, 6)), (64, 64)))


@pytest.mark.parametrize("shape", [(1, 1, 64, 96), (2, 3, 64, 96), (1, 1000, 1, 1), (1, 3, 96, 64), (1, 3, 65, 97)])
def test_an_output_that_does_not_lie_over_the_input_is_an_error(constant_graph, shape):
    with pytest.raises(EvaluationError, match=r"expected logits .* of 2 classes or more.*goes with --detector"):
        OnnxSegmenter(constant_graph(np.zeros(shape), (64, 96)))


@pytest.mark.parametrize("shape", [(1, 2, 64, 96), (1, 19, 16, 24), (1, 19, 2, 3), (1, 19, 7, 11)])
def test_maps_of_classes_may_be_coarser_than_the_input(constant_graph, shape):
    assert len(OnnxSegmenter(constant_graph(np.zeros(shape), (64, 96))).classes) == shape[1]


def test_a_detector_is_no_segmenter(constant_graph):
    cells = np.zeros((1, 5 + 80, 22, 22))
    cells[:, 0], cells[:, 5:] = 0.1, 1 / 80
    with pytest.raises(EvaluationError, match="objectness, boxes and class shares as a detector's"):
        OnnxSegmenter(constant_graph(cells, (352, 352)))


def test_fastestdet_is_no_segmenter(shared_data):
    model = shared_data.parent / "models" / "FastestDet.onnx"
    if not model.is_file():
        pytest.skip("FastestDet.onnx is not on this machine")
    with pytest.raises(EvaluationError, match="as a detector's"):
        OnnxSegmenter(model)


def test_a_network_that_is_wrong_everywhere_is_doubted(evaluation, red_segmenter, masks, visible):
    for stem, picture in visible.items():
        write(masks / f"{stem}.png", np.full(picture.shape[:2], 2, np.uint8))
    names = ("background", "red", "blue")
    scores = score(evaluation, red_segmenter(3), masks, classes=names)
    assert scores.remarks[0].startswith("Doubtful: mIoU is below 0.005 in every row")
    assert "2 as blue" in scores.remarks[0]


def test_a_second_run_segments_nothing_anew(evaluation, red_segmenter, masks, tmp_path, monkeypatch):
    model = red_segmenter()
    first = score(evaluation, model, masks, cache=tmp_path / "cache")
    monkeypatch.setattr(OnnxSegmenter, "__call__", None)
    assert score(evaluation, model, masks, cache=tmp_path / "cache") == first


@pytest.fixture
def torch_home(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def test_a_torchvision_network_is_found_by_name(evaluation, masks, torch_home):
    torch.manual_seed(0)
    model = get_model(NETWORK, weights=None, weights_backbone=None, num_classes=21)
    torch.save(model.state_dict(), torch_home / "lraspp_mobilenet_v3_large-d234d4ea.pth")
    segmenter = load_segmenter(NETWORK)
    assert segmenter.classes[15] == "person"
    picture = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    found = segmenter(picture, (40, 50))
    normalised = torch.from_numpy(picture).permute(2, 0, 1)[None] / 255
    normalised = torch.nn.functional.interpolate(normalised, (520, 650), mode="bilinear", antialias=True)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.inference_mode():
        logits = model.eval()((normalised - mean.view(3, 1, 1)) / deviation.view(3, 1, 1))["out"]
    expected = torch.nn.functional.interpolate(logits, (40, 50), mode="bilinear")[0].argmax(0).numpy()
    assert (found == expected).mean() > 0.99
    scores = score(evaluation, NETWORK, masks, classes=("background", "person"))
    assert scores.title == f"Segmentation by {NETWORK}"
    assert scores.columns == ("mIoU", "IoU background", "IoU person")


def test_missing_weights_are_named_with_their_folder(torch_home):
    with pytest.raises(EvaluationError, match=r"lraspp_mobilenet_v3_large-d234d4ea\.pth are not in .*checkpoints"):
        TorchvisionSegmenter(NETWORK)


def test_an_unknown_network_is_an_error():
    with pytest.raises(EvaluationError, match=r"'unet': expected an ONNX file or one of .*fcn_resnet50"):
        load_segmenter("unet")
