"""What a ready-made segmentation network makes of fused images, beside what it makes of each source alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import EvaluationError
from imfuse.lab.bench.evaluation import Evaluation
from imfuse.lab.bench.scores import TaskRow, TaskScores
from imfuse.lab.bench.tasks.bootstrap import FEW, RESAMPLES, differences, draw_weights, interval
from imfuse.lab.bench.tasks.cache import fingerprint, remembered
from imfuse.lab.bench.tasks.classes import SharedClasses, find_class_names, name_unknown, plain_name, share_classes
from imfuse.lab.bench.tasks.doubts import doubts
from imfuse.lab.bench.tasks.graph import Picture
from imfuse.lab.bench.tasks.masks import UNLABELLED, Mask, count_values, find_masks, is_binary, read_mask
from imfuse.lab.bench.tasks.pictures import plan_rows, show_scenes
from imfuse.lab.bench.tasks.segmenters import Segmenter, load_segmenter

Floats = NDArray[np.float64]

BACKGROUND = "background"


@dataclass(frozen=True, eq=False)
class _Codes:
    """How class numbers become indices of the scored classes.

    Attributes:
        shared: the classes.
        unknown: those that the network does not know, in words.
        truth: `(256,)` index of each value of a mask; -1 is not counted.
        predicted: `(classes of the network,)`; one more than the last index where no scored class is meant.
    """

    shared: SharedClasses
    unknown: str
    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]


def score_segmentation(
    evaluation: Evaluation,
    segmenter: str | Path,
    masks: Path,
    *,
    classes: Sequence[str] | None = None,
    segmenter_classes: Sequence[str] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    cache: Path | None = None,
    advance: Callable[[], None] = lambda: None,
) -> TaskScores:
    """Mean IoU and IoU by class of a network on each method's images and each source alone.

    Grey fused images get the chroma of the colour sources. All rows are scored on the same images: those that have a
    mask, and a picture by every method that has any. Pixels are summed over images, classes that the masks hold are
    averaged.

    Args:
        evaluation: whose scenes and methods are scored.
        segmenter: name of a torchvision network, or an ONNX file.
        masks: folder of `<stem>.png` of class numbers; 255 is not labelled.
        classes: names of the class numbers in the masks, matched with the network's by name; None takes them from
            `classes.txt`, `obj.names` or `labels.txt` in the folder or its parent, else those of the network.
        segmenter_classes: names of the classes of an ONNX network in its order; None takes those of the masks.
        resamples: of the bootstrap over images.
        seed: of the bootstrap.
        cache: folder that keeps results for the next run.
        advance: called after each labelled image; `count_labelled` tells how many there are.

    Raises:
        EvaluationError: the network cannot be run, masks are missing or hold other values than class numbers, no
            image is left to score, or no labelled class is known to the network.
    """
    given = tuple(classes or find_class_names(masks) or ())
    network = load_segmenter(segmenter, segmenter_classes or given)
    names = given or network.classes
    files = find_masks(masks, [scene.stem for scene in evaluation.scenes])
    plan = plan_rows(evaluation, files, masks)
    counts = count_values({scene.stem: files[scene.stem] for scene in plan.scenes}, names)
    codes = _encode(names, counts, network, masks)
    failures: list[str] = []
    images = [
        [_confuse(network, picture, read_mask(files[scene.stem]), codes, cache) for picture in pictures]
        for scene, pictures in show_scenes(plan, failures, advance)
    ]
    if not images:
        raise EvaluationError(f"{masks}: no labelled image could be scored; {failures[0]}")
    rows, samples = _table(plan.names, np.array(images, np.float64), draw_weights(len(images), resamples, seed))
    compared = differences(plan.names, [row.values[0] for row in rows], [sample[:, 0] for sample in samples], "mIoU")
    columns = ("mIoU", *(f"IoU {name}" for name in codes.shared.names))
    doubted = doubts(columns[0], rows, codes.shared, names)
    said = _remarks(names, counts, codes, len(images), resamples)
    remarks = (*doubted, *said, compared, *plan.remarks, *failures)
    return TaskScores(f"Segmentation by {network.name}", columns, rows, len(images), remarks)


def _encode(names: Sequence[str], counts: NDArray[np.int64], network: Segmenter, masks: Path) -> _Codes:
    binary = is_binary(counts, names)
    used = [0, 1] if binary else [int(value) for value in np.flatnonzero(counts) if value != UNLABELLED]
    shared = share_classes(names, used, network.classes)
    if not shared.names:
        raise EvaluationError(
            f"{masks}: holds the classes {name_unknown(shared.unknown, network.classes) or 'none'}, of which the "
            f"network knows none; it knows {', '.join(network.classes)}"
        )
    truth = np.full(256, -1)
    truth[list(shared.from_labels)] = list(shared.from_labels.values())
    if binary:
        truth[UNLABELLED] = truth[1]
    unknown = name_unknown(shared.unknown, network.classes)
    return _Codes(shared, unknown, truth, _predicted_codes(names, shared, network.classes))


def _predicted_codes(names: Sequence[str], shared: SharedClasses, known: Sequence[str]) -> NDArray[np.int64]:
    """A class that the labels have no name for is their background, if they have one: there it was not labelled."""
    wrong = len(shared.names)
    named = {plain_name(name) for name in names}
    places = {plain_name(name): index for index, name in enumerate(shared.names)}
    unnamed = places.get(BACKGROUND, wrong)
    return np.array(
        [shared.from_network.get(i, wrong if plain_name(name) in named else unnamed) for i, name in enumerate(known)]
    )


def _confuse(network: Segmenter, picture: Picture, mask: Mask, codes: _Codes, cache: Path | None) -> list[list[int]]:
    """Pixels of each true class (rows) by predicted class (columns, the last for no scored class)."""
    classes = len(codes.shared.names)
    prints = " ".join(map(fingerprint, (picture, mask, codes.truth, codes.predicted)))

    def compute() -> list[list[int]]:
        truth = codes.truth[mask]
        predicted = codes.predicted[network(picture, (mask.shape[0], mask.shape[1]))]
        pairs = truth[truth >= 0] * (classes + 1) + predicted[truth >= 0]
        return np.bincount(pairs, minlength=classes * (classes + 1)).reshape(classes, -1).tolist()

    return remembered(cache, f"{network.key} {prints}", compute)


def _table(names: Sequence[str], images: Floats, weights: Floats) -> tuple[tuple[TaskRow, ...], list[Floats]]:
    rows, samples = [], []
    for index, name in enumerate(names):
        confusion = images[:, index]
        values = intersection_over_union(confusion.sum(0, keepdims=True))[0]
        samples.append(intersection_over_union(np.tensordot(weights, confusion, 1)))
        rows.append(TaskRow(name, tuple(map(float, values)), *interval(samples[-1])))
    return tuple(rows), samples


def intersection_over_union(confusion: Floats) -> Floats:
    """Mean IoU, then IoU of each class, `(n, 1 + classes)`; NaN for classes without true pixels, left out of the mean.

    Args:
        confusion: `(n, classes, classes + 1)`, true classes in rows, predicted ones in columns, the last for none.
    """
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    true, predicted = confusion.sum(2), confusion.sum(1)[:, :-1]
    present = true > 0
    by_class = np.where(present, hits / np.maximum(true + predicted - hits, 1), 0)
    mean = by_class.sum(1) / np.where(present.any(1), present.sum(1), np.nan)
    return np.concatenate([mean[:, None], np.where(present, by_class, np.nan)], 1)


def _remarks(
    names: Sequence[str], counts: NDArray[np.int64], codes: _Codes, images: int, resamples: int
) -> Iterator[str]:
    shared = codes.shared
    pairs = ", ".join(f"{number} {names[number]}" for number in shared.from_labels)
    yield f"{images} images with masks; class numbers read as {pairs}."
    if is_binary(counts, names):
        yield f"The masks hold 0 and {UNLABELLED} alone: {UNLABELLED} is read as 1."
    elif counts[UNLABELLED]:
        share = counts[UNLABELLED] / counts.sum()
        yield f"{share:.1%} of the pixels hold {UNLABELLED}: they are not labelled and do not count."
    if shared.unknown:
        yield f"The network does not know {codes.unknown}: their pixels do not count."
    foreign = len(codes.predicted) > len(shared.from_network)
    if foreign and any(plain_name(name) == BACKGROUND for name in shared.names):
        yield "Classes of the network that the masks have no name for count as background."
    yield (
        "Sources in their own colours, fused images with the chroma of the colour sources; pixels are summed over "
        f"images, mIoU is the mean of {', '.join(shared.names)}."
    )
    yield f"Intervals are 95 % of {resamples} resamples of the images" + (
        "." if images >= FEW else f"; with {images} images they are rough."
    )
