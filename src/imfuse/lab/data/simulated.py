"""Simulated scenes to cut patches from, where real pairs are few."""

from __future__ import annotations

import numpy as np

from imfuse.lab.data.stacks import Scene, SceneCache, eight_bits, reflect_up


class SimulatedScenes:
    """Seeded scenes of (infrared, visible) luma, half of them roads and half parks, from day to night.

    They have no noise, because the loss would take it for detail; patches get theirs afterwards.

    Args:
        count: number of different scenes.
        seed: of the first one.
        cache: where they are kept.
        smallest: scenes are reflected up to at least this height and width.
    """

    name = "simulated"

    def __init__(self, count: int, seed: int, cache: SceneCache, smallest: int) -> None:
        self.count, self.seed, self.cache, self.smallest = count, seed, cache, smallest

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Scene:
        return self.cache.get((id(self), index), lambda: self._make(index))

    def _make(self, index: int) -> Scene:
        from imfuse.scenes import simulate

        kind = "road" if index % 2 == 0 else "park"
        generator = np.random.default_rng((self.seed, index))
        darkness, glare, fog, foggy = generator.random(4)
        scene = simulate(
            seed=int(generator.integers(2**31)),
            kind=kind,
            darkness=darkness,
            glare=0.6 * glare,
            fog=0.5 * fog if foggy < 0.3 else 0.0,
            noise=0.0,
        )
        return reflect_up(np.stack([scene.infrared, eight_bits(scene.visible, "visible")]), self.smallest)
