"""The part of a recipe that says which images are trained on and how they are cut and degraded (no torch)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class DataSet:
    """One set of aligned folders; files of the same stem are the sources of one scene.

    Attributes:
        name: how logs and the model card call the set.
        folders: one folder a source, in the order of `Recipe.sources`; below `DataRecipe.root` unless absolute.
        licence: the terms of the images, for the model card.
        weight: share of the patches that come from this set, relative to the weights of the other sets.
    """

    name: str
    folders: tuple[str, ...]
    licence: str = "not stated"
    weight: float = 1.0


@dataclass(frozen=True)
class AugmentRecipe:
    """Probability in [0, 1] with which a patch meets each change; see `imfuse.lab.data.degradations`.

    Attributes:
        flips: mirror all sources left to right, and, drawn apart, top to bottom.
        gamma: another gamma in each source.
        contrast: another contrast and brightness in each source.
        together: gamma and contrast are the same for all sources of a patch, as one camera would give.
        haze: a bright veil over the visible source.
        overexposure: the visible source clipped at the bright end.
        darkness: the visible source as at night.
        noise: sensor noise in every source; the loss compares with the sources without it.
        invert_infrared: black-hot in place of white-hot.
    """

    flips: float = 0.5
    gamma: float = 0.0
    contrast: float = 0.0
    together: bool = False
    haze: float = 0.0
    overexposure: float = 0.0
    darkness: float = 0.0
    noise: float = 0.0
    invert_infrared: float = 0.0


@dataclass(frozen=True)
class DataRecipe:
    """What a batch is made of.

    Attributes:
        root: folder that relative folders of the sets lie in; it is no part of the recipe's hash.
        sets: the sets of real images.
        patch: side of the square patches in pixels.
        whole: share in [0, 1] of the patches that show three quarters or more of each side of a scene, scaled to
            the patch; the others are cut at full resolution.
        batch: patches of one step over all processes together.
        simulated: share in [0, 1] of patches cut from simulated scenes (sources infrared and visible only).
        scenes: number of different simulated scenes.
        augment: changes that the patches meet.
        cache_mb: images are kept in memory up to this size in each process, and read again beyond it.
        workers: processes that prepare batches beside the training; 0 prepares them in the training process.
    """

    root: str = "."
    sets: tuple[DataSet, ...] = ()
    patch: int = 96
    whole: float = 0.0
    batch: int = 16
    simulated: float = 0.0
    scenes: int = 64
    augment: AugmentRecipe = field(default_factory=AugmentRecipe)
    cache_mb: int = 4096
    workers: int = 0
