"""Joining blocks by name, and a block for each join of a network."""

from __future__ import annotations

import copy
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from torch import nn

from imfuse.errors import RecipeError
from imfuse.lab.nn.feature_fusion.aff import AFF, IterativeAFF
from imfuse.lab.nn.feature_fusion.attention import SoftChannelAttention, SoftSpatialAttention
from imfuse.lab.nn.feature_fusion.hard_attention import HardSelection
from imfuse.lab.nn.feature_fusion.ms_cam import MSCAM
from imfuse.lab.nn.feature_fusion.simple import Add, Concat, ParallelAdd
from imfuse.lab.nn.feature_fusion.squeeze_excitation import SE

Fuse = str | nn.Module | Callable[..., nn.Module]
"""What `build_fuse` takes for a block: a name of `FUSE`, a ready module, or what makes one of `channels`."""

FUSE: dict[str, Callable[..., nn.Module]] = {
    "add": Add,
    "concat": Concat,
    "parallel_add": ParallelAdd,
    "se": SE,
    "ms_cam": MSCAM,
    "aff": AFF,
    "iaff": IterativeAFF,
    "soft_spatial": SoftSpatialAttention,
    "soft_channel": SoftChannelAttention,
    "hard": HardSelection,
}
"""Every block that a network's `fuse` can name."""


def build_fuse(fuse: Fuse, channels: int, **options: Any) -> nn.Module:
    """A block of its own for one join of a network.

    Args:
        fuse: a name of `FUSE`; a ready module, which is copied with its weights as they are, so that two joins never
            share them; or what makes a block of `channels` (a class, a function).
        channels: of the maps that meet at the join.
        options: of the named block or the maker; a ready module takes none.

    Raises:
        RecipeError: no such name.
        ValueError: options for a ready module.
        TypeError: an option that the block does not take.

    Example:
        >>> build_fuse("aff", 16, scale=2.0).scale
        2.0
    """
    if isinstance(fuse, nn.Module):
        if options:
            raise ValueError(f"{type(fuse).__name__} is made already: give its options ({', '.join(options)}) to it")
        return copy.deepcopy(fuse)
    if callable(fuse):
        return fuse(channels, **options)
    if not isinstance(fuse, str) or fuse not in FUSE:
        near = get_close_matches(str(fuse), FUSE, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise RecipeError(f"fuse: no block {fuse!r}{hint} Known blocks: {', '.join(FUSE)}")
    return FUSE[fuse](channels, **options)


def pooling_blocks(network: nn.Module) -> list[str]:
    """Kinds of blocks in a network that pool over the whole map (`pools_globally`), in the order of their names.

    With one of them every fused pixel depends on the whole picture, and tiles of a picture come out otherwise.

    Example:
        >>> pooling_blocks(nn.Sequential(AFF(8), Add(8)))
        ['AFF']
    """
    return sorted({type(block).__name__ for block in network.modules() if getattr(block, "pools_globally", False)})
