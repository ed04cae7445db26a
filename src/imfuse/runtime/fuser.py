"""`Fuser`: a model that is ready to run on sources of any size, depth and colour.

The one place where data flows from sources to fused image: depth to [0, 1], colour to luma, padding, tiling, the
engine, chroma back, depth back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import SourceError
from imfuse.images import colour, depth
from imfuse.images.depth import ValueRange
from imfuse.images.image import Image, Pixels
from imfuse.images.sizes import check_sizes
from imfuse.runtime.backends import Engine
from imfuse.runtime.tiling import SizeRule, Tile, run_padded, tiles

if TYPE_CHECKING:
    from imfuse.runtime.card import ModelCard

MEMORY_MB = 512.0


class Fuser:
    """Fuses sources of any size, depth and colour with one model.

    Args:
        engine: what computes the fused luma of `(n, h, w)` sources.
        name: name of the model, for messages.
        sources: names of the sources in the order in which they are given; `("A", "B")` where the order is free.
        symmetric: whether the engine takes any number of sources from two up at once, in any order. Of another
            engine, a third source is fused with the result of the first two, and so on.
        size_multiple: height and width that the engine sees are multiples of this.
        margin: receptive radius of the engine in pixels; None where it cannot be tiled.
        grid: tiles start at multiples of this, for engines that take any size but see it on a grid.
        card: what is known of the model, if it has a card.
        memory_mb: working memory that decides the size of tiles.

    Example:
        >>> fuser = Fuser.load("average")
        >>> fuser(np.array([[0]], np.uint8), np.array([[100]], np.uint8))
        array([[50]], dtype=uint8)
    """

    def __init__(
        self,
        engine: Engine,
        *,
        name: str = "custom",
        sources: Sequence[str] = ("A", "B"),
        symmetric: bool = False,
        size_multiple: int = 1,
        margin: int | None = 0,
        grid: int = 1,
        card: ModelCard | None = None,
        memory_mb: float = MEMORY_MB,
    ) -> None:
        self.engine = engine
        self.name = name
        self.sources = tuple(sources)
        self.symmetric = symmetric
        self.rule = SizeRule(size_multiple, margin, grid)
        self.card = card
        self.memory_mb = memory_mb

    @classmethod
    def load(cls, model: str | Path = "ivif", *, threads: int | None = None, memory_mb: float = MEMORY_MB) -> Fuser:
        """Load a bundled model by name, a classical method by name, or an exported model by its folder.

        Args:
            model: such as `"ivif"`, `"laplacian"` or `Path("runs/mine/model")`.
            threads: threads of one inference; None takes the cores that this process may use.
            memory_mb: working memory that decides the size of tiles.

        Raises:
            ModelError: no such model, or its files are damaged.
        """
        from imfuse.runtime.models import open_model

        return open_model(cls, model, threads=threads, memory_mb=memory_mb)

    def __call__(
        self,
        *sources: Pixels,
        value_range: ValueRange | Sequence[ValueRange] | None = None,
        dtype: Any = None,
    ) -> Pixels:
        """Fuse arrays that show the same scene.

        Args:
            sources: two or more arrays of equal size in the order of `self.sources`: `(h, w)` grey or `(h, w, 3)`
                RGB; uint8, uint16, or float in [0, 1].
            value_range: what becomes 0 and 1, one for all sources or one each; None takes `percentile` for a 16-bit
                infrared source and `dtype` for all others. Classical methods name no sources: they take a grey 16-bit
                source beside one of 8 bits or in colour for infrared.
            dtype: type of the result; None takes that of the deepest source.

        Returns:
            `(h, w)` when all sources are grey, else `(h, w, 3)` RGB.

        Raises:
            SourceError: fewer than two sources, unequal sizes, pixels of another type or shape, floats outside
                [0, 1] without a value range, or a picture that the engine has not enough memory for.
        """
        arrays = self._checked(sources)
        limits = [depth.value_limits(a, r) for a, r in zip(arrays, self._ranges(arrays, value_range), strict=True)]
        depth.type_maximum(dtype or np.uint8)
        dtype = np.dtype(dtype) if dtype is not None else depth.deepest_dtype(arrays)
        height, width = arrays[0].shape[:2]
        shape = (height, width, 3) if any(a.ndim == 3 for a in arrays) else (height, width)
        if len(shape) == 3:
            arrays = _only_true_colours(arrays)
        parts = list(tiles(height, width, self._rule(len(arrays)), len(arrays), self.memory_mb))
        if len(parts) == 1:
            return self._fuse_part(arrays, limits, dtype, parts[0])
        fused: Pixels = np.empty(shape, dtype)
        for part in parts:
            fused[part.inner] = self._fuse_part(arrays, limits, dtype, part)
        return fused

    def fuse_images(
        self,
        images: Sequence[Image],
        *,
        value_range: ValueRange | Sequence[ValueRange] | None = None,
        dtype: Any = None,
    ) -> Image:
        """Fuse images as they were read; alpha is that of the first source that has it.

        Raises:
            SourceError: as for arrays.
        """
        pixels = self(*(image.pixels for image in images), value_range=value_range, dtype=dtype)
        alpha = next((image.alpha for image in images if image.alpha is not None), None)
        if alpha is not None and alpha.dtype != pixels.dtype:
            alpha = depth.from_unit(depth.to_unit(alpha), pixels.dtype)
        return Image(pixels, alpha)

    def source_names(self, count: int) -> list[str]:
        """Names of `count` sources in the model's order, as its card states it.

        >>> Fuser.load("average").source_names(3)
        ['A', 'B', 'source 3']
        """
        return [*self.sources, *(f"source {i + 1}" for i in range(len(self.sources), count))][:count]

    def _fuse_part(
        self, arrays: Sequence[Pixels], limits: Sequence[tuple[float, float]], dtype: np.dtype, part: Tile
    ) -> Pixels:
        """Fuse one tile and return its inner part, in colour and in `dtype`."""
        lumas = (
            depth.scale_to_unit(colour.luma(a[part.outer]), limit) for a, limit in zip(arrays, limits, strict=True)
        )
        fused = self._fuse_lumas(list(lumas))[part.cut]
        coloured = [(a[part.inner], limit) for a, limit in zip(arrays, limits, strict=True) if a.ndim == 3]
        if dtype == np.uint8 and all(a.dtype == np.uint8 and limit == (0, 255) for a, limit in coloured):
            return colour.colourise(depth.from_unit(fused, np.uint8), [a for a, _ in coloured])
        return depth.from_unit(colour.colourise(fused, [depth.scale_to_unit(*pair) for pair in coloured]), dtype)

    def _fuse_lumas(self, lumas: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Fuse `(h, w)` lumas in [0, 1] into `(h, w)`, clipped to [0, 1]."""
        if self.symmetric or len(lumas) == 2:
            return self._run(lumas)
        fused = lumas[0]
        for luma in lumas[1:]:
            fused = self._run([fused, luma])
        return fused

    def _run(self, lumas: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        try:
            return np.clip(run_padded(self.engine, np.stack(lumas), self.rule.multiple), 0, 1)
        except MemoryError as error:
            raise SourceError(self._too_large(lumas)) from error

    def _too_large(self, lumas: Sequence[NDArray[np.float32]]) -> str:
        height, width = lumas[0].shape
        if self.rule.margin is None:
            remedy = (
                "this model looks at the whole picture and cannot fuse it in tiles: make the picture smaller, or take "
                "a model with a margin (`imfuse models --json`)"
            )
        else:
            remedy = f"allow less than {self.memory_mb:.0f} MB (`--memory`, `memory_mb`), so that tiles are smaller"
        return f"{self.name}: {len(lumas)} sources of {width}x{height} pixels need more memory than there is; {remedy}"

    def _rule(self, count: int) -> SizeRule:
        """The size rule for so many sources: what is fused one after the other reaches farther."""
        passes = 1 if self.symmetric else count - 1
        return replace(self.rule, margin=None if self.rule.margin is None else self.rule.margin * passes)

    def _checked(self, sources: Sequence[Pixels]) -> list[Pixels]:
        if len(sources) < 2:
            raise SourceError(f"{self.name}: {len(sources)} source given; give two or more of the same scene")
        arrays = [np.asarray(source) for source in sources]
        for name, array in zip(self.source_names(len(arrays)), arrays, strict=True):
            _check_array(name, array)
        check_sizes([Image(array) for array in arrays], self.source_names(len(arrays)))
        return arrays

    def _kinds(self, arrays: Sequence[Pixels]) -> list[str]:
        """Names of the sources; without names of its own, a grey 16-bit source beside others is called infrared."""
        names = self.source_names(len(arrays))
        raw = [a.ndim == 2 and a.dtype == np.uint16 for a in arrays]
        if not (self.symmetric and self.card is None) or all(raw):
            return names
        return ["infrared" if is_raw else name for name, is_raw in zip(names, raw, strict=True)]

    def _ranges(
        self, arrays: Sequence[Pixels], value_range: ValueRange | Sequence[ValueRange] | None
    ) -> list[ValueRange]:
        if value_range is None:
            return [depth.default_range(n, a.dtype) for n, a in zip(self._kinds(arrays), arrays, strict=True)]
        ranges: list[ValueRange] = [value_range] * len(arrays) if isinstance(value_range, str) else list(value_range)
        if len(ranges) != len(arrays):
            raise SourceError(f"{len(ranges)} value ranges for {len(arrays)} sources; give one, or one for each")
        return ranges


def _only_true_colours(arrays: Sequence[Pixels]) -> list[Pixels]:
    """Take grey pictures stored as colour for what they are, as long as one source stays colour."""
    grey = [a[..., 0] if a.ndim == 3 and colour.is_grey(a) else a for a in arrays]
    if any(a.ndim == 3 for a in grey):
        return grey
    first = next(i for i, a in enumerate(arrays) if a.ndim == 3)
    return [*grey[:first], arrays[first], *grey[first + 1 :]]


def _check_array(name: str, array: Pixels) -> None:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3) or 0 in array.shape:
        raise SourceError(f"{name}: an array of shape {array.shape}; expected (h, w) grey or (h, w, 3) RGB, not empty")
    depth.type_maximum(array.dtype)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise SourceError(f"{name}: holds NaN or infinite values; replace them before fusing")
