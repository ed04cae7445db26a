"""What a task's network is shown of a scene: each method's picture in colour, then each source alone, in 8-bit RGB."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from imfuse.errors import EvaluationError, ImfuseError
from imfuse.images.depth import ValueRange, from_unit, to_unit
from imfuse.images.image import Pixels
from imfuse.lab.bench.evaluation import Evaluation, Method, Scene
from imfuse.lab.bench.pictures import fused_picture, in_colour, read_sources, source_ranges
from imfuse.lab.bench.tasks.graph import Picture


@dataclass(frozen=True)
class Plan:
    """What is shown.

    Attributes:
        methods: those that have pictures of the scenes.
        names: of the rows: the methods, then each source alone.
        scenes: the labelled scenes that every one of the methods has.
        remarks: what was left out, one sentence each.
    """

    methods: tuple[Method, ...]
    names: tuple[str, ...]
    scenes: tuple[Scene, ...]
    remarks: tuple[str, ...]


def plan_rows(evaluation: Evaluation, labelled: Iterable[str], folder: Path) -> Plan:
    """Decide the rows and scenes, so that every row is scored on the same images.

    Args:
        evaluation: whose methods and sources are shown.
        labelled: stems that have labels.
        folder: of the labels, for messages.

    Raises:
        EvaluationError: no labelled scene is left.
    """
    stems = set(labelled)
    scenes = tuple(scene for scene in evaluation.scenes if scene.stem in stems)
    methods = tuple(method for method in evaluation.methods if _has_any(method, scenes))
    shared = tuple(scene for scene in scenes if all(_has(method, scene) for method in methods))
    if not shared:
        raise EvaluationError(
            f"{folder}: labels {len(scenes)} of the {len(evaluation.scenes)} images, and no such image is there of "
            "every method; leave out the methods that lack them"
        )
    left_out = [method.name for method in evaluation.methods if method not in methods]
    remarks = (
        f"{len(evaluation.scenes) - len(scenes)} images without labels are not scored." * (scenes != evaluation.scenes),
        f"{len(scenes) - len(shared)} labelled images that some method lacks are not scored." * (shared != scenes),
        f"Left out, for want of labelled images: {', '.join(left_out)}." * bool(left_out),
    )
    names = (*(method.name for method in methods), *(f"{name} alone" for name in evaluation.source_names))
    return Plan(methods, names, shared, tuple(filter(None, remarks)))


def show_scenes(plan: Plan, failures: list[str], advance: Callable[[], None]) -> Iterator[tuple[Scene, list[Picture]]]:
    """Each scene with the picture of each row, in the order of `Plan.names`, all of one size.

    Args:
        plan: of the rows and scenes.
        failures: takes a sentence for each scene that is left out because a picture of it cannot be shown.
        advance: called after each scene.
    """
    for scene in plan.scenes:
        try:
            pictures = list(_scene_pictures(plan.methods, scene))
        except ImfuseError as error:
            failures.append(f"Not scored: {error}.")
        else:
            yield scene, pictures
        advance()


def _scene_pictures(methods: Iterable[Method], scene: Scene) -> Iterator[Picture]:
    originals = read_sources(scene)
    sources = tuple(map(_eight_bits, originals, source_ranges(originals)))
    for method in methods:
        fused = _eight_bits(fused_picture(method, scene, originals), "dtype")
        yield _rgb(in_colour(fused, sources))
    yield from map(_rgb, sources)


def count_labelled(evaluation: Evaluation, folder: Path) -> int:
    """How many images of an evaluation have a file of labels in a folder: the steps of a score."""
    stems = {path.stem for path in folder.iterdir()} if folder.is_dir() else set()
    return sum(scene.stem in stems for scene in evaluation.scenes)


def _has(method: Method, scene: Scene) -> bool:
    return method.kind == "reference" or scene.stem in method.files


def _has_any(method: Method, scenes: Iterable[Scene]) -> bool:
    return any(_has(method, scene) for scene in scenes)


def _eight_bits(pixels: Pixels, value_range: ValueRange) -> Pixels:
    return pixels if pixels.dtype == np.uint8 else from_unit(to_unit(pixels, value_range), np.uint8)


def _rgb(pixels: Pixels) -> Picture:
    return np.ascontiguousarray(pixels if pixels.ndim == 3 else cv2.merge([pixels] * 3), np.uint8)
