"""imfuse: one image out of several of the same scene.

Example:
    >>> import numpy as np
    >>> infrared, visible = np.zeros((48, 64), np.uint8), np.full((48, 64, 3), 90, np.uint8)
    >>> fuse(infrared, visible, model="maximum").shape
    (48, 64, 3)
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Fuser", "__version__", "fuse", "list_models"]

if TYPE_CHECKING:
    from imfuse.images.image import Pixels
    from imfuse.runtime.fuser import Fuser as Fuser
    from imfuse.runtime.models import list_models as list_models


def fuse(*sources: Pixels | str | Path, model: str | Path = "ivif", **options: Any) -> Pixels:
    """Fuse arrays or files that show the same scene.

    Args:
        sources: two or more, in the order of the model's sources; `(h, w)` or `(h, w, 3)` RGB arrays of uint8, uint16
            or float in [0, 1], or paths of pictures.
        model: a name of `list_models()` or the folder of an exported model; it is loaded once and kept.
        options: `value_range` and `dtype`, as for calling a `Fuser`.

    Returns:
        The fused picture, `(h, w)` when all sources are grey, else `(h, w, 3)`.

    Raises:
        ImfuseError: sources that cannot be read or do not go together, or an unknown model.
    """
    return _loaded(model, _stamp(model))(*(_pixels(source) for source in sources), **options)


def _pixels(source: Pixels | str | Path) -> Pixels:
    if not isinstance(source, str | Path):
        return source
    from imfuse.images.files import read_image

    return read_image(Path(source)).pixels


def _stamp(model: str | Path) -> int:
    """When a model folder was last written, so that a new export in the same place is noticed."""
    card = Path(model) / "card.json"
    return card.stat().st_mtime_ns if card.is_file() else 0


@lru_cache(maxsize=8)
def _loaded(model: str | Path, stamp: int) -> Fuser:  # noqa: ARG001 (it is a part of the cache's key)
    from imfuse.runtime.fuser import Fuser

    return Fuser.load(model)


def __getattr__(name: str) -> Any:
    """Import the runtime when it is first used, so that `import imfuse` stays light."""
    if name == "Fuser":
        from imfuse.runtime.fuser import Fuser

        return Fuser
    if name == "list_models":
        from imfuse.runtime.models import list_models

        return list_models
    raise AttributeError(f"module 'imfuse' has no attribute {name!r}")
