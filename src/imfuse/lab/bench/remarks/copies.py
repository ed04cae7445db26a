"""A warning on methods whose fused images are one of the sources, as when a folder was confused with another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from imfuse.errors import ImfuseError
from imfuse.images.image import Pixels
from imfuse.lab.bench.evaluation import Evaluation
from imfuse.lab.bench.pictures import fused_picture, read_sources, unit_luma
from imfuse.lab.bench.remarks.noise import SCENES, spread_scenes
from imfuse.lab.bench.tables.rows import image_count


def copy_remarks(evaluation: Evaluation, scenes: int = SCENES) -> Iterator[str]:
    """A sentence on each method that equals a source in more than half of so many scenes, spread evenly.

    References are left out, and so is what cannot be read.
    """
    compared: Counter[int] = Counter()
    copied: Counter[tuple[int, int]] = Counter()
    for place in spread_scenes(evaluation, scenes):
        for row, equal_sources in _copies(evaluation, place):
            compared[row] += 1
            copied.update((row, source) for source in equal_sources)
    for (row, source), count in sorted(copied.items()):
        if 2 * count > compared[row]:
            method, question = evaluation.methods[row], "is it the right folder?"
            yield (
                f"{method.name} equals source {evaluation.source_names[source]} in {count} of "
                f"{image_count(compared[row])}: {'does it fuse?' if method.kind == 'model' else question}"
            )


def _copies(evaluation: Evaluation, place: int) -> Iterator[tuple[int, list[int]]]:
    """Each method that has an image of the scene, with the sources that this image equals."""
    scene = evaluation.scenes[place]
    with suppress(ImfuseError):
        sources = read_sources(scene)
        for row, method in enumerate(evaluation.methods):
            if scene.stem in method.files:
                with suppress(ImfuseError):
                    fused = fused_picture(method, scene, sources)
                    yield row, [index for index, source in enumerate(sources) if is_copy(fused, source)]


def is_copy(fused: Pixels, source: Pixels) -> bool:
    """Whether the luma of a fused image is that of a source, up to one level of the coarser of their depths.

    >>> is_copy(np.full((2, 2), 76, np.uint8), np.full((2, 2, 3), (255, 0, 0), np.uint8))
    True
    """
    level = max(1 / np.iinfo(np.uint8 if pixels.dtype == np.uint8 else np.uint16).max for pixels in (fused, source))
    return bool(np.abs(unit_luma(fused) - unit_luma(source)).max() <= 1.001 * level)
