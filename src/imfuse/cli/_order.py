"""A warning when the names of the sources contradict the order in which the model wants them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

_ALIASES = {
    "infrared": {"infrared", "ir", "inf", "thermal", "lwir", "tir", "nir"},
    "visible": {"visible", "vis", "vi", "rgb", "visual"},
    "ct": {"ct"},
    "mri": {"mri", "mr"},
    "pet": {"pet"},
    "spect": {"spect"},
}


def order_warning(names: Sequence[str], paths: Sequence[Path]) -> str | None:
    """What to say when a source is named as another one of the model is.

    Only the file's own name and that of its folder count; what is not recognised is trusted, and so is a source that
    may be anything, such as a third one.

    >>> order_warning(["infrared", "visible"], [Path("vis/1.png"), Path("ir/1.png")])
    'vis/1.png is taken for infrared and looks like visible; the order is infrared, visible'
    >>> order_warning(["infrared", "visible"], [Path("ir/1.png"), Path("vis/1.png")])
    """
    for name, path in zip(names, paths, strict=True):
        seen = _seen(path, names) if name.lower() in _ALIASES else []
        if seen and name not in seen:
            return f"{path} is taken for {name} and looks like {seen[0]}; the order is {', '.join(names)}"
    return None


def _seen(path: Path, names: Sequence[str]) -> list[str]:
    """Names of sources that the file name speaks of, or else the folder's name."""
    for text in (path.name, path.parent.name):
        words = set(re.split(r"[^a-z]+", text.lower()))
        seen = [name for name in names if words & _ALIASES.get(name.lower(), set())]
        if seen:
            return seen
    return []
