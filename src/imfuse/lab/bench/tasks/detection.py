"""What a ready-made detector finds in fused images, beside what it finds in each source alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import EvaluationError
from imfuse.lab.bench.evaluation import Evaluation
from imfuse.lab.bench.scores import TaskRow, TaskScores
from imfuse.lab.bench.tasks.average_precision import average_precision, resampled_precision
from imfuse.lab.bench.tasks.bootstrap import FEW, RESAMPLES, differences, draw_weights, interval
from imfuse.lab.bench.tasks.boxes import Objects, read_boxes
from imfuse.lab.bench.tasks.cache import fingerprint, remembered
from imfuse.lab.bench.tasks.classes import COCO, SharedClasses, find_class_names, name_unknown, share_classes
from imfuse.lab.bench.tasks.detectors import AUTO, LOWEST_SCORE, Detections, Detector
from imfuse.lab.bench.tasks.doubts import doubts
from imfuse.lab.bench.tasks.graph import Picture
from imfuse.lab.bench.tasks.matching import match_class
from imfuse.lab.bench.tasks.pictures import plan_rows, show_scenes

Floats = NDArray[np.float64]

RARE = 5
"""Images with a class, below which its average precision hangs on single objects."""

INCOMPLETE = 0.05
"""Share of resamples without some class beyond which it is said that they are left out."""


def score_detection(
    evaluation: Evaluation,
    detector: Path,
    boxes: Path,
    *,
    layout: str = AUTO,
    classes: Sequence[str] | None = None,
    detector_classes: Sequence[str] = COCO,
    resamples: int = RESAMPLES,
    seed: int = 0,
    cache: Path | None = None,
    advance: Callable[[], None] = lambda: None,
) -> TaskScores:
    """AP50 and AP, over all classes and by class, of a detector on each method's images and each source alone.

    Grey fused images get the chroma of the colour sources. All rows are scored on the same images: those that have a
    file of boxes, and a picture by every method that has any.

    Args:
        evaluation: whose scenes and methods are scored.
        detector: ONNX file.
        boxes: folder of `<stem>.txt` in the YOLO form.
        layout: of the detector, a name of `LAYOUTS`, or `auto` to tell it by the output.
        classes: names of the class numbers in the boxes; None takes them from `classes.txt`, `obj.names` or
            `labels.txt` in the folder or its parent, else those of the detector.
        detector_classes: names of the detector's classes in its order.
        resamples: of the bootstrap over images.
        seed: of the bootstrap.
        cache: folder that keeps detections for the next run.
        advance: called after each labelled image; `count_labelled` tells how many there are.

    Raises:
        EvaluationError: the detector cannot be run or is of no known layout, boxes are missing or damaged, no image
            is left to score, or no labelled class is known to the detector.
        MissingExtraError: pycocotools is not installed.
    """
    names = tuple(classes or find_class_names(boxes) or detector_classes)
    objects = read_boxes(boxes, [scene.stem for scene in evaluation.scenes], names)
    plan = plan_rows(evaluation, objects, boxes)
    shared = _share(names, [objects[scene.stem] for scene in plan.scenes], detector_classes, boxes)
    network = Detector(detector, layout, detector_classes)
    failures: list[str] = []
    images = [
        _score_image(network, pictures, objects[scene.stem], shared, cache)
        for scene, pictures in show_scenes(plan, failures, advance)
    ]
    if not images:
        raise EvaluationError(f"{boxes}: no labelled image could be scored; {failures[0]}")
    columns, rows, samples, left_out = _table(
        plan.names, images, shared.names, draw_weights(len(images), resamples, seed)
    )
    compared = differences(plan.names, [row.values[0] for row in rows], [sample[:, 0] for sample in samples], "AP50")
    said = _remarks(network, names, shared, images, resamples)
    remarks = (
        *doubts(columns[0], rows, shared, names),
        *said,
        *_incomplete(left_out, resamples),
        compared,
        *plan.remarks,
        *failures,
    )
    return TaskScores(f"Detection by {detector.name}", columns, rows, len(images), remarks)


@dataclass(frozen=True, eq=False)
class _Image:
    """One image: its objects, and what was found in each row's picture; boxes in pixels, shared classes alone."""

    truth: Objects
    found: list[Detections]


def _share(
    names: Sequence[str], objects: Sequence[Objects], detector_classes: Sequence[str], boxes: Path
) -> SharedClasses:
    used = {int(label) for image in objects for label in image.labels}
    if not used:
        raise EvaluationError(f"{boxes}: the files of {len(objects)} images hold no object; there is nothing to find")
    shared = share_classes(names, used, detector_classes)
    if not shared.names:
        raise EvaluationError(
            f"{boxes}: holds the classes {name_unknown(shared.unknown, detector_classes)}, of which the detector knows "
            f"none; it knows {', '.join(detector_classes)}"
        )
    return shared


def _score_image(
    network: Detector, pictures: Sequence[Picture], objects: Objects, shared: SharedClasses, cache: Path | None
) -> _Image:
    height, width = pictures[0].shape[:2]
    scale = np.array([width, height] * 2, np.float32)
    kept, labels = _relabel(objects.labels, shared.from_labels)
    return _Image(
        Objects(objects.boxes[kept] * scale, labels),
        [_shared(_detect(network, picture, cache), shared) for picture in pictures],
    )


def _detect(network: Detector, picture: Picture, cache: Path | None) -> Detections:
    key = f"{network.graph.sha256} {network.layout.name} {network.size} {fingerprint(picture)}"

    def compute() -> list[Any]:
        found = network(picture)
        return [found.boxes.tolist(), found.scores.tolist(), found.labels.tolist()]

    boxes, scores, labels = remembered(cache, key, compute)
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), np.array(labels, np.int64)
    )


def _shared(found: Detections, shared: SharedClasses) -> Detections:
    kept, labels = _relabel(found.labels, shared.from_network)
    return Detections(found.boxes[kept], found.scores[kept], labels)


def _relabel(labels: NDArray[np.int64], places: Mapping[int, int]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Which labels have a place, and their places."""
    moved = np.array([places.get(int(label), -1) for label in labels], np.int64)
    kept = np.flatnonzero(moved >= 0)
    return kept, moved[kept]


def _table(
    names: Sequence[str], images: Sequence[_Image], classes: Sequence[str], weights: Floats
) -> tuple[tuple[str, ...], tuple[TaskRow, ...], list[Floats], int]:
    """Columns, rows, resampled columns `(resamples, columns)` of each row, and how many resamples lack a class."""
    truth = [image.truth for image in images]
    rows, samples = [], []
    for index, name in enumerate(names):
        found = [image.found[index] for image in images]
        values = average_precision(found, truth, len(classes))[None]
        present = np.asarray(~np.isnan(values).any((0, 1)))
        matches = [match_class(found, truth, label) for label in range(len(classes))]
        samples.append(_summarise(np.stack([resampled_precision(match, weights) for match in matches], 2), present))
        rows.append(TaskRow(name, tuple(map(float, _summarise(values, present)[0])), *interval(samples[-1])))
    columns = ("AP50", "AP", *(f"{score} {name}" for name in classes for score in ("AP50", "AP")))
    return columns, tuple(rows), samples, int(np.isnan(samples[0][:, 0]).sum())


def _summarise(precision: Floats, present: NDArray[np.bool_]) -> Floats:
    """The columns `(..., 2 + 2 * classes)` of AP `(..., overlaps, classes)`.

    The means are over the classes that are present in the set, in every resample: where one of them has no object they
    are NaN, because a mean over the others would be another quantity.
    """
    by_class = np.stack([precision[..., 0, :], precision.mean(-2)], -1)
    mean = by_class[..., present, :].mean(-2) if present.any() else np.full((*by_class.shape[:-2], 2), np.nan)
    return np.concatenate([mean, by_class.reshape(*mean.shape[:-1], -1)], -1)


def _incomplete(left_out: int, resamples: int) -> Iterator[str]:
    """A sentence on the resamples that lack a class, if they are many."""
    if left_out > INCOMPLETE * resamples:
        yield (
            f"{left_out} of {resamples} resamples hold no object of some class and are left out of the intervals over "
            "all classes, which are too narrow for that."
        )


def _remarks(
    network: Detector, names: Sequence[str], shared: SharedClasses, images: Sequence[_Image], resamples: int
) -> Iterator[str]:
    boxes = sum(len(image.truth.labels) for image in images)
    pairs = ", ".join(f"{number} {names[number]}" for number in shared.from_labels)
    yield f"{len(images)} images with {boxes} boxes of {', '.join(shared.names)}; class numbers read as {pairs}."
    if shared.unknown:
        yield f"The detector does not know {name_unknown(shared.unknown, network.classes)}: their boxes are left out."
    rare = [name for label, name in enumerate(shared.names) if _images_with(images, label) < RARE]
    if rare:
        yield f"In fewer than {RARE} images: {', '.join(rare)}; their AP and its interval say little."
    height, width = network.size
    yield (
        f"Layout {network.layout.name} at {width}x{height}, scores above {LOWEST_SCORE:g}, suppression at IoU "
        f"{network.layout.overlap:g}; AP as COCO defines it, over IoU 0.5 to 0.95; sources in their own colours, "
        "fused images with the chroma of the colour sources."
    )
    yield (
        "For comparing rows, not as a detector's AP: boxes may name only part of the objects, and what is found beside "
        "them counts as wrong."
    )
    yield f"Intervals are 95 % of {resamples} resamples of the images" + (
        "." if len(images) >= FEW else f"; with {len(images)} images they are rough."
    )


def _images_with(images: Sequence[_Image], label: int) -> int:
    return sum(bool((image.truth.labels == label).any()) for image in images)
