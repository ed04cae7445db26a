"""The values of an evaluation as they come: what a cache knows is there, the rest is to be measured."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from imfuse.lab.bench.evaluation import Method, Scene
from imfuse.lab.bench.measuring.hashing import code_hash, key_of
from imfuse.lab.bench.measuring.measure import Column, Measured, Task
from imfuse.lab.bench.measuring.store import Cache
from imfuse.runtime.card import file_sha256

_CODE = (
    "lab/metrics/functional",
    "lab/metrics/registry.py",
    "lab/bench/measuring/measure.py",
    "lab/bench/measuring/threads.py",
    "lab/bench/pictures.py",
    "runtime",  # which fuses the references
    "classical",
    "images",
)
"""What decides a value, beside the files."""


class Board:
    """Values by method, scene and column.

    Args:
        scenes: that are measured.
        methods: with the files that they have.
        columns: metrics with their conventions.
        cache: what earlier runs measured; it gets what is new.
    """

    def __init__(
        self, scenes: Sequence[Scene], methods: Sequence[Method], columns: Sequence[Column], cache: Cache
    ) -> None:
        self.scenes, self.methods, self.columns = tuple(scenes), tuple(methods), tuple(columns)
        self._cache = cache
        cache.hashes.all_of(path for method in methods for path in method.files.values())
        self._keys = {(method.name, scene.stem): self._key(method, scene) for method, scene in self._pictures()}

    def tasks(self) -> list[Task]:
        """What is still to be measured."""
        tasks = (Task(scene, tuple(self._wanted(scene))) for scene in self.scenes)
        return [task for task in tasks if task.pictures]

    def note(self, measured: Measured) -> None:
        """Keep what was measured of a scene."""
        for name, values in measured.values.items():
            key = self._keys[name, measured.scene.stem]
            known = self._cache.get(key).get("values", {})
            new = {_label(column): value for column, value in values.items()}
            self._cache.put(key, {"values": known | new, "stretched": measured.stretched})

    def values(self) -> NDArray[np.float64]:
        """`(methods, metrics, scenes)`, NaN where nothing was measured."""
        return np.array(
            [
                [
                    [self._known(method, scene).get(_label(column), math.nan) for scene in self.scenes]
                    for column in self.columns
                ]
                for method in self.methods
            ],
            dtype=np.float64,
        ).reshape(len(self.methods), len(self.columns), len(self.scenes))

    def remarks(self, names: Sequence[str]) -> Iterator[str]:
        """Sentences on how the sources were taken.

        Args:
            names: of the sources.
        """
        stretched = [self._stretched(scene) for scene in self.scenes]
        for index, name in enumerate(names):
            if count := sum(index in positions for positions in stretched):
                yield (
                    f"{name}: grey 16-bit images beside others were taken for raw thermal ones in {count} of "
                    f"{len(self.scenes)} scenes and stretched between their 0.5 and 99.5 percentiles"
                )

    def _pictures(self) -> Iterator[tuple[Method, Scene]]:
        for method in self.methods:
            for scene in self.scenes:
                if method.kind == "reference" or scene.stem in method.files:
                    yield method, scene

    def _wanted(self, scene: Scene) -> Iterator[tuple[Method, tuple[Column, ...]]]:
        for method in self.methods:
            if (method.name, scene.stem) in self._keys:
                known = self._known(method, scene)
                columns = tuple(column for column in self.columns if _label(column) not in known)
                if columns:
                    yield _alone(method, scene), columns

    def _known(self, method: Method, scene: Scene) -> dict[str, float]:
        key = self._keys.get((method.name, scene.stem))
        return {} if key is None else self._cache.get(key).get("values", {})

    def _key(self, method: Method, scene: Scene) -> str:
        hash_of = self._cache.hashes.of
        fused = method.name if method.kind == "reference" else hash_of(method.files[scene.stem])
        return key_of("values", code_hash(*_CODE), fused, *map(hash_of, scene.sources))

    def _stretched(self, scene: Scene) -> Sequence[int]:
        keys = (self._keys.get((method.name, scene.stem)) for method in self.methods)
        return next((self._cache.get(key).get("stretched", ()) for key in keys if key), ())


def _alone(method: Method, scene: Scene) -> Method:
    """A method with the file of one scene, which is little to send to a process."""
    file = method.files.get(scene.stem)
    return replace(method, files={scene.stem: file} if file else {}, milliseconds={})


def _label(column: Column) -> str:
    """A column as records name it, with what else decides its values."""
    return ":".join((*column, weights_hash()) if column[0] == "LPIPS" else column)


@cache
def weights_hash() -> str:
    """Of the network that LPIPS compares by."""
    from imfuse.lab.metrics.functional.perceptual import weights_file

    return file_sha256(weights_file())
