"""The pixels of an evaluation: sources, fused images, and the references that are computed from the sources."""

from __future__ import annotations

from imfuse.images.colour import colourise, is_grey, luma
from imfuse.images.files import read_image
from imfuse.images.image import Pixels
from imfuse.lab.bench.evaluation import REFERENCES, Method, Scene
from imfuse.runtime.fuser import Fuser


def read_sources(scene: Scene) -> tuple[Pixels, ...]:
    """The sources of a scene as their files hold them.

    Raises:
        ImageReadError: a file cannot be read.
    """
    return tuple(read_image(path).pixels for path in scene.sources)


def fused_picture(method: Method, scene: Scene, sources: tuple[Pixels, ...]) -> Pixels:
    """The fused image of a scene by a method: read from its file, or computed on lumas for a reference.

    Raises:
        ImageReadError: the file cannot be read.
        KeyError: the method has no file of this stem.
    """
    if method.kind == "reference":
        return Fuser.load(REFERENCES[method.name], threads=1)(*(luma(source) for source in sources))
    return read_image(method.files[scene.stem]).pixels


def in_colour(fused: Pixels, sources: tuple[Pixels, ...]) -> Pixels:
    """The fused image with the chroma of the colour sources, if it has none of its own."""
    if not is_grey(fused):
        return fused
    return colourise(luma(fused), [source for source in sources if not is_grey(source)])
