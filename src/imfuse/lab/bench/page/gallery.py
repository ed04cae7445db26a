"""The pictures of the page: which scenes are shown, and their images as data URIs, each once."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.errors import ImfuseError
from imfuse.images.colour import is_grey, luma
from imfuse.images.depth import ValueRange, from_unit, to_unit
from imfuse.images.image import Pixels
from imfuse.lab.bench.evaluation import Evaluation, Method, Scene
from imfuse.lab.bench.page.values import worst_images
from imfuse.lab.bench.pictures import fused_picture, read_sources, source_ranges
from imfuse.runtime.cores import usable_cores

BUDGET = 24 * 10**6
"""Characters that all pictures together may take, so that the page can still be sent by mail."""

LOSSLESS = 101
QUALITIES = (LOSSLESS, 95, 80)
"""As of WebP, the best first; the first at which all chosen scenes fit is taken."""

WEBP_SIDE = 16383


@dataclass(frozen=True)
class Shown:
    """A scene whose pictures are in the page.

    Attributes:
        scene: index in the evaluation.
        width: in pixels.
        height: in pixels.
        pictures: data URIs of the sources, then of the methods; None where there is none that could be shown.
        coloured: index of the first source with colour; None where all are grey.
        is_stretched: whether a source is raw thermal and shown between its percentiles.
    """

    scene: int
    width: int
    height: int
    pictures: tuple[str | None, ...]
    coloured: int | None
    is_stretched: bool


@dataclass(frozen=True)
class Gallery:
    """The scenes that the page shows.

    Attributes:
        scenes: in the order of the evaluation.
        left_out: how many scenes of the evaluation are not shown.
        quality: of the pictures.
    """

    scenes: tuple[Shown, ...]
    left_out: int
    quality: int

    @property
    def is_lossless(self) -> bool:
        """Whether the pictures show exactly what was measured."""
        return self.quality == LOSSLESS

    @property
    def has_colour(self) -> bool:
        """Whether any source is in colour."""
        return any(shown.coloured is not None for shown in self.scenes)

    @property
    def is_stretched(self) -> bool:
        """Whether any source is raw thermal."""
        return any(shown.is_stretched for shown in self.scenes)


def choose_scenes(evaluation: Evaluation, count: int) -> list[int]:
    """Indices of the scenes to show, the most telling first: half of them worst images, the rest evenly spread."""
    worst = [scene for metric in evaluation.ranked for scene in worst_images(evaluation, metric)[:1]]
    chosen = list(dict.fromkeys(worst))[: (count + 1) // 2]
    others = [scene for scene in range(len(evaluation.scenes)) if scene not in chosen]
    wanted = min(count - len(chosen), len(others))
    return chosen + [others[i] for i in np.linspace(0, len(others) - 1, wanted).round().astype(int)]


def embed_scenes(evaluation: Evaluation, count: int, budget: int = BUDGET) -> Gallery:
    """Embed `count` scenes: without loss, with some loss or fewer of them where the budget asks for it.

    Scenes whose sources cannot be read any more are left out.
    """
    wanted = choose_scenes(evaluation, count)
    shown: list[Shown] = []
    quality = LOSSLESS
    for quality in QUALITIES:
        shown, is_complete = _within(budget, (_embed(evaluation, scene, quality) for scene in wanted))
        if is_complete:
            break
    scenes = tuple(sorted(shown, key=lambda entry: entry.scene))
    return Gallery(scenes, len(evaluation.scenes) - len(scenes), quality)


def _within(budget: int, entries: Iterable[Shown | None]) -> tuple[list[Shown], bool]:
    """Entries until the budget is spent, at least one, and whether it was enough."""
    taken: list[Shown] = []
    for entry in filter(None, entries):
        budget -= sum(len(picture) for picture in entry.pictures if picture)
        if budget < 0 and taken:
            break
        taken.append(entry)
    return taken, budget >= 0


def _embed(evaluation: Evaluation, index: int, quality: int) -> Shown | None:
    scene = evaluation.scenes[index]
    try:
        sources = read_sources(scene)
        ranges = source_ranges(sources)
        shown = [eight_bit(*source) for source in zip(sources, ranges, strict=True)]
    except ImfuseError:
        return None
    height, width = shown[0].shape[:2]
    coloured = next((i for i, source in enumerate(shown) if source.ndim == 3), None)
    fused = [_fused(method, scene, sources) for method in evaluation.methods]
    with ThreadPoolExecutor(usable_cores()) as pool:
        pictures = pool.map(lambda pixels: None if pixels is None else data_uri(pixels, quality), [*shown, *fused])
    return Shown(index, width, height, tuple(pictures), coloured, "percentile" in ranges)


def _fused(method: Method, scene: Scene, sources: tuple[Pixels, ...]) -> NDArray[np.uint8] | None:
    """What a method made of a scene; None where there is no such file, or not one of the size of the sources."""
    try:
        return eight_bit(fused_picture(method, scene, sources))
    except (ImfuseError, KeyError):
        return None


def eight_bit(pixels: Pixels, value_range: ValueRange = "dtype") -> NDArray[np.uint8]:
    """Pixels as a browser shows them, `(h, w)` where they are grey.

    Raises:
        SourceError: floats outside [0, 1].
    """
    if is_grey(pixels):
        pixels = luma(pixels)
    return pixels if pixels.dtype == np.uint8 else from_unit(to_unit(pixels, value_range), np.uint8)  # type: ignore[return-value]


def data_uri(pixels: NDArray[np.uint8], quality: int) -> str:
    """A picture as WebP; as PNG where it is too long for WebP, or grey and without loss, which takes far less time."""
    bgr = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    if max(pixels.shape[:2]) > WEBP_SIDE or (pixels.ndim == 2 and quality == LOSSLESS):
        kind, options = "png", [cv2.IMWRITE_PNG_COMPRESSION, 6, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
    else:
        kind, options = "webp", [cv2.IMWRITE_WEBP_QUALITY, quality]
    _, data = cv2.imencode(f".{kind}", bgr, options)
    return f"data:image/{kind};base64,{base64.b64encode(data.tobytes()).decode('ascii')}"
