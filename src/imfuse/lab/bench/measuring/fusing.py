"""Scenes fused by models of imfuse in the run that evaluates them, and the time that each fusion took."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from imfuse.errors import ImageReadError, SourceError
from imfuse.images.files import write_image
from imfuse.images.image import Pixels
from imfuse.lab.bench.evaluation import Method, Scene
from imfuse.lab.bench.measuring.hashing import code_hash, key_of
from imfuse.lab.bench.measuring.machine import machine
from imfuse.lab.bench.measuring.store import Cache
from imfuse.lab.bench.measuring.threads import one_thread
from imfuse.lab.bench.pictures import read_sources
from imfuse.runtime.fuser import Fuser

FOLDER = "fused"
_CODE = ("runtime", "classical", "images")


@dataclass
class Model:
    """A model that fuses as `imfuse fuse` does: in colour, with the value ranges that it takes by itself.

    Attributes:
        name: of the method that it is in the tables.
        fuser: the model on one thread.
        folder: where its fused images go.
    """

    name: str
    fuser: Fuser
    folder: Path
    _warm: set[tuple[int, ...]] = field(default_factory=set)

    def fuse(self, scene: Scene, cache: Cache) -> tuple[Path, float]:
        """The file and the milliseconds of a scene, fused unless it was here before from the same sources and weights.

        Raises:
            ImageReadError: a source cannot be read.
            SourceError: the sources do not go together.
            ImageWriteError: the fused image cannot be written.
        """
        weights = self.fuser.card.sha256 if self.fuser.card else self.fuser.name
        sources = [cache.hashes.of(path) for path in scene.sources]
        key = key_of("fused", code_hash(*_CODE), machine(), self.name, weights, scene.stem, *sources)
        record = cache.get(key)
        if record and cache.hashes.of(self.folder / record["file"]) == record["sha256"]:
            return self.folder / record["file"], record["milliseconds"]
        fused, milliseconds = self._timed(read_sources(scene))
        path = self.folder / f"{scene.stem}{'.tif' if fused.dtype.kind == 'f' else '.png'}"
        write_image(path, fused)
        cache.put(key, {"file": path.name, "sha256": cache.hashes.of(path), "milliseconds": milliseconds})
        return path, milliseconds

    def _timed(self, sources: Sequence[Pixels]) -> tuple[Pixels, float]:
        """The fused image, and the milliseconds of the call from arrays to array."""
        size = sources[0].shape[:2]
        if size not in self._warm:  # the first call of a size also takes memory and chooses kernels
            self.fuser(*sources)
            self._warm.add(size)
        start = time.perf_counter()
        fused = self.fuser(*sources)
        return fused, 1e3 * (time.perf_counter() - start)


def load_models(models: Mapping[str, str | Path], report: Path) -> tuple[Model, ...]:
    """Models on one thread, by the names that they have in the tables.

    Raises:
        ModelError: there is no such model, or its files are damaged.
    """
    return tuple(Model(name, Fuser.load(model, threads=1), report / FOLDER / name) for name, model in models.items())


def fuse_scenes(
    model: Model, scenes: Sequence[Scene], cache: Cache, advance: Callable[[], None]
) -> tuple[Method, tuple[str, ...]]:
    """A model as a method, and one sentence on each scene that it could not fuse.

    Args:
        model: what fuses.
        scenes: what to fuse.
        cache: what earlier runs did.
        advance: called after each scene.

    Raises:
        ImageWriteError: a fused image cannot be written.
    """
    files: dict[str, Path] = {}
    milliseconds: dict[str, float] = {}
    problems = []
    with one_thread():
        for scene in scenes:
            try:
                files[scene.stem], milliseconds[scene.stem] = model.fuse(scene, cache)
            except (ImageReadError, SourceError) as error:
                problems.append(str(error))
            advance()
    return Method(model.name, "model", files, milliseconds), tuple(problems)
