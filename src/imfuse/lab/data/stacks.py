"""Scenes to cut patches from: stacks of files, read at first use and kept as 8-bit luma while memory allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import RecipeError, SourceError
from imfuse.images.image import Pixels, Stack

Scene = NDArray[np.uint8]
"""`(n, h, w)`: the luma of the n sources of one scene."""


class Scenes(Protocol):
    """Scenes by number."""

    name: str

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Scene: ...


class SceneCache:
    """Keeps scenes up to a number of bytes; what comes later is made again at every use.

    Args:
        bytes_left: how much may be kept.
    """

    def __init__(self, bytes_left: int) -> None:
        self.bytes_left = bytes_left
        self._scenes: dict[tuple[int, int], Scene] = {}

    def get(self, key: tuple[int, int], make: Callable[[], Scene]) -> Scene:
        """The scene of this key, made by `make` unless it is kept."""
        if key in self._scenes:
            return self._scenes[key]
        scene = make()
        if scene.nbytes <= self.bytes_left:
            self.bytes_left -= scene.nbytes
            self._scenes[key] = scene
        return scene


class FolderScenes:
    """The scenes of aligned folders, paired by stem.

    Args:
        name: how errors call the set.
        folders: one folder a source.
        sources: their names; 16-bit infrared is stretched.
        cache: where the pixels are kept.
        smallest: scenes are reflected up to at least this height and width.

    Attributes:
        stacks: the files of each scene.
        unmatched: files that have no partner in every folder, and are left out.

    Raises:
        RecipeError: a folder is missing.
        PairingError: no file has a partner in every folder.
    """

    def __init__(
        self, name: str, folders: Sequence[Path], sources: Sequence[str], cache: SceneCache, smallest: int
    ) -> None:
        from imfuse.images.pairs import pair_folders

        for folder in folders:
            if not folder.is_dir():
                raise RecipeError(f"data set {name!r}: no folder {folder}; correct data.root or the set's folders")
        self.name, self.sources, self.cache, self.smallest = name, tuple(sources), cache, smallest
        pairing = pair_folders(folders)
        self.stacks, self.unmatched = pairing.stacks, pairing.unmatched

    def __len__(self) -> int:
        return len(self.stacks)

    def __getitem__(self, index: int) -> Scene:
        stack = self.stacks[index]
        return self.cache.get((id(self), index), lambda: reflect_up(read_scene(stack, self.sources), self.smallest))


def read_scene(stack: Stack, sources: Sequence[str]) -> Scene:
    """Read the sources of one scene as 8-bit luma.

    Raises:
        ImageReadError: a file cannot be read.
        SourceError: the sources differ in size.
    """
    from imfuse.images.files import read_image

    images = [read_image(path) for path in stack.paths]
    if len({image.size for image in images}) > 1:
        found = ", ".join(f"{path} {image.size}" for path, image in zip(stack.paths, images, strict=True))
        raise SourceError(f"training needs sources of one size and aligned, found (height, width) {found}")
    return np.stack([eight_bits(image.pixels, source) for image, source in zip(images, sources, strict=True)])


def eight_bits(pixels: Pixels, source: str) -> NDArray[np.uint8]:
    """The luma of a picture of any depth in 8 bits, its values limited as the Fuser limits them.

    Args:
        pixels: `(h, w)` or `(h, w, 3)`; uint8, uint16 or float in [0, 1].
        source: its name; 16-bit infrared is stretched between percentiles, as it uses a small part of its range.
    """
    from imfuse.images.colour import luma
    from imfuse.images.depth import default_range, from_unit, scale_to_unit, value_limits

    grey = luma(pixels)
    if grey.dtype == np.uint8:
        return grey.astype(np.uint8, copy=False)
    limits = value_limits(pixels, default_range(source, pixels.dtype))
    return from_unit(scale_to_unit(grey, limits), np.uint8).astype(np.uint8, copy=False)


def reflect_up(scene: Scene, smallest: int) -> Scene:
    """Reflect a scene below and to the right until both sides are at least `smallest`.

    >>> reflect_up(np.array([[[1, 2, 3]]], np.uint8), 5)[0, 0]
    array([1, 2, 3, 2, 1], dtype=uint8)
    """
    _, height, width = scene.shape
    missing = (max(smallest - height, 0), max(smallest - width, 0))
    if missing == (0, 0):
        return np.ascontiguousarray(scene)
    return np.pad(scene, ((0, 0), (0, missing[0]), (0, missing[1])), mode="reflect")
