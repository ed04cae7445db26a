"""Which detections meet an object, by the rule of COCO: best score first, each takes the free object it overlaps most.

Done once an image, so that average precision over any resample of the images needs only sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from imfuse.lab.bench.tasks.boxes import Objects
from imfuse.lab.bench.tasks.detectors import Detections

OVERLAPS = np.array(torch.linspace(0.5, 0.95, 10).tolist())
"""IoU from which a detection meets an object, in the rounding of torchmetrics; the first is that of AP50."""

MOST_DETECTIONS = 100
"""Of a class in an image; COCO looks at no more."""


@dataclass(frozen=True, eq=False)
class Matches:
    """The detections of one class in all images, best score first.

    Attributes:
        images: `(d,)` the image of each.
        hits: `(overlaps, d)` whether it meets an object.
        objects: `(images,)` how many objects of the class there are.
    """

    images: NDArray[np.int64]
    hits: NDArray[np.bool_]
    objects: NDArray[np.int64]


def match_class(found: Sequence[Detections], truth: Sequence[Objects], label: int) -> Matches:
    """Match the detections of one class with its objects, image by image; both in pixels."""
    images, scores, hits = [], [], []
    for image, (detections, objects) in enumerate(zip(found, truth, strict=True)):
        chosen = np.flatnonzero(detections.labels == label)
        order = chosen[np.argsort(-detections.scores[chosen], kind="stable")][:MOST_DETECTIONS]
        images.append(np.full(len(order), image))
        scores.append(detections.scores[order])
        hits.append(_match(box_overlaps(detections.boxes[order], objects.boxes[objects.labels == label])))
    order = np.argsort(-np.concatenate(scores), kind="stable")
    counts = np.array([np.count_nonzero(objects.labels == label) for objects in truth])
    return Matches(np.concatenate(images)[order], np.concatenate(hits, 1)[:, order], counts)


def box_overlaps(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float64]:
    """IoU of each of `(n, 4)` boxes with each of `(m, 4)`: `(n, m)`.

    Example:
        >>> box_overlaps(np.array([[0.0, 0, 2, 2]]), np.array([[0.0, 0, 2, 2], [1, 0, 3, 2]])).round(3)
        array([[1.   , 0.333]])
    """
    a, b = first[:, None].astype(np.float64), second[None].astype(np.float64)
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = np.clip(sides, 0, None).prod(-1)
    areas = [(boxes[..., 2:] - boxes[..., :2]).prod(-1) for boxes in (a, b)]
    return shared / np.maximum(areas[0] + areas[1] - shared, 1e-12)


def _match(overlaps: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Hits `(overlaps, detections)` of one image for detections in the order of their scores."""
    detections, objects = overlaps.shape
    hits = np.zeros((len(OVERLAPS), detections), bool)
    if not objects:
        return hits
    free = np.ones((len(OVERLAPS), objects), bool)
    rows = np.arange(len(OVERLAPS))
    for detection, overlap in enumerate(overlaps):
        candidates = np.where(free, overlap, -1.0)
        best = objects - 1 - candidates[:, ::-1].argmax(1)  # of equals COCO takes the last
        hit = candidates[rows, best] >= np.minimum(OVERLAPS, 1 - 1e-10)
        hits[:, detection] = hit
        free[rows[hit], best[hit]] = False
    return hits
