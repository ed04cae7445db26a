"""The pixels of an evaluation: sources, fused images, and the references that are computed from the sources."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import SourceError
from imfuse.images.colour import colourise, is_grey, luma
from imfuse.images.depth import FLOAT_SLACK, ValueRange, default_range, from_unit, to_unit, value_limits
from imfuse.images.files import read_image
from imfuse.images.image import Pixels
from imfuse.lab.bench.evaluation import REFERENCES, Method, Scene
from imfuse.runtime.fuser import Fuser


def read_sources(scene: Scene) -> tuple[Pixels, ...]:
    """The sources of a scene as their files hold them, transparency left out.

    Raises:
        ImageReadError: a file cannot be read.
        SourceError: the sources have unequal sizes.
    """
    sources = tuple(read_image(path).pixels for path in scene.sources)
    if len({source.shape[:2] for source in sources}) > 1:
        sizes = ", ".join(f"{path} is {_size(s)}" for path, s in zip(scene.sources, sources, strict=True))
        raise SourceError(f"the sources of {scene.stem} have unequal sizes: {sizes}; bring them to one size")
    return sources


def fused_picture(method: Method, scene: Scene, sources: tuple[Pixels, ...]) -> Pixels:
    """The fused image of a scene by a method: read from its file, or computed on lumas for a reference.

    Raises:
        ImageReadError: the file cannot be read.
        SourceError: it has another size than the sources.
        KeyError: the method has no file of this stem.
    """
    if method.kind == "reference":
        fuser = Fuser.load(REFERENCES[method.name], threads=1)
        return fuser(*(luma(source) for source in sources), value_range=source_ranges(sources))
    path = method.files[scene.stem]
    fused = read_image(path).pixels
    if fused.shape[:2] != sources[0].shape[:2]:
        raise SourceError(
            f"{path} is {_size(fused)}, and its sources are {_size(sources[0])}: not measured, since nothing is resized"
        )
    return fused


def in_colour(fused: Pixels, sources: tuple[Pixels, ...]) -> Pixels:
    """The fused image with the chroma of the colour sources, if it has none of its own."""
    colours = [source for source in sources if not is_grey(source)]
    if not colours or not is_grey(fused):
        return fused
    if all(pixels.dtype == np.uint8 for pixels in (fused, *colours)):
        return colourise(luma(fused), colours)
    # Chroma is added on one scale, and the files may be of different depths.
    return from_unit(colourise(to_unit(luma(fused)), [to_unit(colour) for colour in colours]), fused.dtype)


def source_ranges(sources: Sequence[Pixels]) -> list[ValueRange]:
    """What becomes 0 and 1 in each source: the limits of its type, and for raw thermal images the percentiles.

    As the Fuser takes sources without names: a grey one of 16 bits beside one of 8 bits or in colour is a thermal
    camera's, whose few thousand levels would all be black on the scale of its type.

    >>> source_ranges([np.zeros((2, 2), np.uint16), np.zeros((2, 2, 3), np.uint8)])
    ['percentile', 'dtype']
    """
    raw = [source.ndim == 2 and source.dtype == np.uint16 for source in sources]
    return [
        default_range("thermal" if is_raw and not all(raw) else "other", source.dtype)
        for is_raw, source in zip(raw, sources, strict=True)
    ]


def unit_luma(pixels: Pixels, value_range: ValueRange = "dtype") -> NDArray[np.float64]:
    """Luma in [0, 1] with the levels that the depth of the file allows: of 8 bits, multiples of 1/255.

    Raises:
        SourceError: floats outside [0, 1].

    >>> unit_luma(np.array([[[255, 0, 0]]], np.uint8)) * 255
    array([[76.]])
    """
    low, high = float(pixels.min()), float(pixels.max())
    if pixels.dtype.kind == "f" and not (low >= -FLOAT_SLACK and high <= 1 + FLOAT_SLACK):
        raise SourceError(f"holds floats from {low:g} to {high:g}, and [0, 1] was expected; scale them")
    return scaled(luma(pixels), value_limits(pixels, value_range))


def scaled(pixels: Pixels, limits: tuple[float, float]) -> NDArray[np.float64]:
    """Values in [0, 1], where `limits` become 0 and 1; what lies outside is clipped."""
    low, high = limits
    return np.clip((pixels.astype(np.float64) - low) / (high - low), 0, 1)


def _size(pixels: Pixels) -> str:
    return f"{pixels.shape[1]} x {pixels.shape[0]}"
