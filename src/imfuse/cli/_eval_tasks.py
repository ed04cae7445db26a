"""The task scores of `imfuse eval`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imfuse.cli._eval_request import Request

if TYPE_CHECKING:
    from imfuse.lab.bench.evaluate import Progress
    from imfuse.lab.bench.evaluation import Evaluation
    from imfuse.lab.bench.scores import TaskScores


def task_scores(request: Request, evaluation: Evaluation, report: Path, progress: Progress) -> tuple[TaskScores, ...]:
    """The scores that are asked for; what networks make of pictures is kept in the folder of the report.

    Raises:
        EvaluationError: a network cannot be run, or labels are missing or damaged.
    """
    cache = report / ".cache" / "tasks"
    scores = (_detection(request, evaluation, cache, progress), _segmentation(request, evaluation, cache, progress))
    return tuple(table for table in scores if table is not None)


def doubts_of(tasks: tuple[TaskScores, ...]) -> list[str]:
    """The remarks that put a whole table in question."""
    from imfuse.lab.bench.tasks.doubts import DOUBT

    return [f"{table.title}. {remark}" for table in tasks for remark in table.remarks if remark.startswith(DOUBT)]


def _detection(request: Request, evaluation: Evaluation, cache: Path, progress: Progress) -> TaskScores | None:
    if request.detector is None or request.boxes is None:
        return None
    from imfuse.lab.bench.tasks import COCO, count_labelled, score_detection

    boxes = Path(request.boxes)
    with progress("detecting", count_labelled(evaluation, boxes)) as advance:
        return score_detection(
            evaluation,
            Path(request.detector),
            boxes,
            layout=request.layout,
            classes=request.box_classes,
            detector_classes=request.detector_classes or COCO,
            cache=cache,
            advance=advance,
        )


def _segmentation(request: Request, evaluation: Evaluation, cache: Path, progress: Progress) -> TaskScores | None:
    if request.segmenter is None or request.masks is None:
        return None
    from imfuse.lab.bench.tasks import count_labelled, score_segmentation

    masks = Path(request.masks)
    with progress("segmenting", count_labelled(evaluation, masks)) as advance:
        return score_segmentation(
            evaluation,
            request.segmenter,
            masks,
            classes=request.mask_classes,
            segmenter_classes=request.segmenter_classes,
            cache=cache,
            advance=advance,
        )
