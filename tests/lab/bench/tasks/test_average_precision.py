"""Average precision from matches equals torchmetrics', on the images as they are and on drawn ones."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pycocotools")

from imfuse.lab.bench.tasks.average_precision import average_precision, resampled_precision
from imfuse.lab.bench.tasks.bootstrap import differences, draw_weights, interval
from imfuse.lab.bench.tasks.boxes import Objects
from imfuse.lab.bench.tasks.detectors import Detections
from imfuse.lab.bench.tasks.matching import OVERLAPS, match_class


def boxes_near(generator: np.random.Generator, boxes: np.ndarray, spread: float) -> np.ndarray:
    moved = boxes + generator.normal(0, spread, boxes.shape)
    return np.concatenate([moved[:, :2], np.maximum(moved[:, 2:], moved[:, :2] + 1)], 1).astype(np.float32)


def random_set(
    seed: int, images: int = 12, classes: int = 3, most: int = 8, scores: int = 12
) -> tuple[list[Detections], list[Objects]]:
    """Objects, and detections near them or anywhere; few levels of scores, so that many are equal."""
    generator = np.random.default_rng(seed)
    found, truth = [], []
    for _ in range(images):
        count = generator.integers(0, most)
        corner = generator.uniform(0, 60, (count, 2))
        boxes = np.concatenate([corner, corner + generator.uniform(5, 30, (count, 2))], 1).astype(np.float32)
        labels = generator.integers(0, classes, count)
        truth.append(Objects(boxes, labels))
        both = np.concatenate([boxes_near(generator, boxes, 1), boxes_near(generator, boxes, 4)])
        level = generator.integers(1, scores, len(both)) / np.float32(scores)
        noisy = np.where(generator.random(len(both)) < 0.8, np.tile(labels, 2), generator.integers(0, classes))
        found.append(Detections(both, level.astype(np.float32), noisy))
    return found, truth


def fast(found: list[Detections], truth: list[Objects], weights: np.ndarray, classes: int = 3) -> np.ndarray:
    return np.stack([resampled_precision(match_class(found, truth, label), weights) for label in range(classes)], 2)


@pytest.mark.parametrize("seed", range(6))
def test_precision_from_matches_equals_torchmetrics(seed):
    found, truth = random_set(seed)
    expected = average_precision(found, truth, 3)
    assert expected.shape == (len(OVERLAPS), 3)
    assert 0.1 < np.nanmean(expected) < 0.9
    assert np.allclose(fast(found, truth, np.ones((1, 12)))[0], expected, atol=1e-9, equal_nan=True)


def test_precision_of_drawn_images_equals_torchmetrics_on_the_images_that_were_drawn():
    found, truth = random_set(3, scores=10**6)  # scores all differ: only copies of one image are equal
    weights = draw_weights(12, 6, seed=1)
    values = fast(found, truth, weights)
    for weight, value in zip(weights, values, strict=True):
        drawn = np.repeat(np.arange(12), weight.astype(int))
        expected = average_precision([found[i] for i in drawn], [truth[i] for i in drawn], 3)
        assert np.allclose(value, expected, atol=1e-9, equal_nan=True)


def test_only_the_best_hundred_of_an_image_count():
    generator = np.random.default_rng(0)
    boxes = np.tile(np.array([[0, 0, 10, 10]], np.float32), (150, 1))
    boxes[:149] += 40
    scores = np.sort(generator.random(150).astype(np.float32))[::-1].copy()
    found = [Detections(boxes, scores, np.zeros(150, np.int64))]
    truth = [Objects(boxes[149:], np.zeros(1, np.int64))]
    assert average_precision(found, truth, 1).max() == 0
    assert fast(found, truth, np.ones((1, 1)), 1).max() == 0


def test_nothing_found_is_0_and_nothing_to_find_is_nan():
    nothing = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))
    truth = [Objects(np.array([[0, 0, 9, 9]], np.float32), np.zeros(1, np.int64))]
    expected = average_precision([nothing], truth, 2)
    assert (expected[:, 0] == 0).all()
    assert np.isnan(expected[:, 1]).all()
    assert np.allclose(fast([nothing], truth, np.ones((1, 1)), 2)[0], expected, equal_nan=True)


def test_many_detections_are_done_in_blocks(monkeypatch):
    found, truth = random_set(1)
    weights = draw_weights(12, 20, seed=0)
    whole = fast(found, truth, weights)
    monkeypatch.setattr("imfuse.lab.bench.tasks.average_precision.BLOCK", 100)
    assert np.array_equal(fast(found, truth, weights), whole, equal_nan=True)


def test_intervals_hold_95_in_100_resamples_and_leave_out_nan():
    samples = np.stack([np.arange(1001.0), np.full(1001, np.nan), np.where(np.arange(1001) % 2, np.nan, 7)], 1)
    low, high = interval(samples)
    assert low == pytest.approx((25, np.nan, 7), nan_ok=True)
    assert high == pytest.approx((975, np.nan, 7), nan_ok=True)


def test_draws_keep_the_number_of_images_and_follow_the_seed():
    weights = draw_weights(9, 50, seed=4)
    assert weights.shape == (50, 9)
    assert (weights.sum(1) == 9).all()
    assert (weights == draw_weights(9, 50, seed=4)).all()
    assert (weights != draw_weights(9, 50, seed=5)).any()


def test_differences_are_taken_resample_by_resample():
    noise = np.random.default_rng(0).normal(0, 0.1, 400)
    sentence = differences(("ours", "theirs"), (0.5, 0.4), (noise, noise - 0.1), "AP50")
    assert "theirs -0.100 (-0.100 to -0.100)" in sentence
    assert "to ours" in sentence


def test_differences_without_any_resample_have_no_interval():
    sentence = differences(("ours", "theirs"), (0.5, 0.4), (np.full(9, np.nan), np.zeros(9)), "AP50")
    assert "theirs -0.100 (no interval)" in sentence
