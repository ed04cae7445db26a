"""Average precision as COCO defines it: by torchmetrics for the table, from matches for resamples of the images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from imfuse.errors import MissingExtraError
from imfuse.lab.bench.tasks.boxes import Objects
from imfuse.lab.bench.tasks.detectors import Detections
from imfuse.lab.bench.tasks.matching import OVERLAPS, Matches

Floats = NDArray[np.float64]

RECALLS = np.array(torch.linspace(0, 1, 101).tolist())
"""Where precision is read off its falling envelope; rounded as by torchmetrics, which counts where 3/10 meets 0.3."""

BLOCK = 2**22
"""Weights of detections that are held at once."""


def average_precision(found: Sequence[Detections], truth: Sequence[Objects], classes: int) -> Floats:
    """AP of each class at each of `OVERLAPS`, `(overlaps, classes)`, by torchmetrics; NaN for classes without objects.

    Args:
        found: of each image, boxes in pixels, labels from 0 to `classes - 1`.
        truth: as `found`.
        classes: how many there are.

    Raises:
        MissingExtraError: pycocotools is not installed.
    """
    from torchmetrics.detection import MeanAveragePrecision

    try:
        metric = MeanAveragePrecision(extended_summary=True)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "detection scores need pycocotools; install the extra: pip install 'imfuse[eval]'"
        ) from error
    metric.warn_on_many_detections = False
    metric.update(
        [{key: torch.from_numpy(getattr(image, key)) for key in ("boxes", "scores", "labels")} for image in found],
        [{key: torch.from_numpy(getattr(image, key)) for key in ("boxes", "labels")} for image in truth],
    )
    result = metric.compute()
    precision = result["precision"].numpy()[:, :, :, 0, -1].astype(np.float64)  # all areas, most detections
    values = np.full((len(OVERLAPS), classes), np.nan)
    values[:, np.atleast_1d(result["classes"].numpy())] = np.where(precision < 0, np.nan, precision).mean(1)
    return values


def resampled_precision(matches: Matches, weights: Floats) -> Floats:
    """AP of one class at each of `OVERLAPS` over resamples of the images, `(resamples, overlaps)`.

    Equal to the AP of a set in which each image stands as often as it was drawn; NaN for resamples without objects.

    Args:
        matches: of the class in all images.
        weights: `(resamples, images)`, how often each image was drawn.
    """
    size = max(BLOCK // max(len(matches.images), 1), 1)
    blocks = [_precision(matches, weights[start : start + size]) for start in range(0, len(weights), size)]
    return np.concatenate(blocks)


def _precision(matches: Matches, weights: Floats) -> Floats:
    drawn = weights[:, matches.images]
    objects = weights @ matches.objects
    seen = drawn.cumsum(1)
    areas = [_area(drawn[:, hits].cumsum(1), seen[:, hits], objects) for hits in matches.hits]
    return np.where(objects[:, None] > 0, np.stack(areas, 1), np.nan)


def _area(hits: Floats, seen: Floats, objects: Floats) -> Floats:
    """Mean over `RECALLS` of the best precision at that recall or a higher one.

    Args:
        hits: `(resamples, n)` hits up to each hit.
        seen: as `hits`, detections up to it.
        objects: `(resamples,)`.
    """
    precision = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
    envelope = np.maximum.accumulate(precision[:, ::-1], 1)[:, ::-1]
    envelope = np.concatenate([envelope, np.zeros((len(hits), 1))], 1)  # beyond the last hit
    recall = hits / np.maximum(objects, 1)[:, None]
    places = [np.searchsorted(row, RECALLS) for row in recall]
    return np.take_along_axis(envelope, np.stack(places), 1).mean(1)
