"""Which models there are, bundled and classical, and how a name or a folder becomes a `Fuser`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imfuse.classical import METHODS, Method
from imfuse.errors import ModelError
from imfuse.runtime.card import ModelCard, file_sha256

if TYPE_CHECKING:
    from imfuse.runtime.fuser import Fuser

ZOO = Path(__file__).resolve().parent.parent / "zoo"


@dataclass(frozen=True)
class ClassicalEngine:
    """A classical method behind the engine protocol."""

    method: Method

    def run(self, sources: NDArray[np.float32]) -> NDArray[np.float32]:
        """Fuse `(n, h, w)` sources in [0, 1] into `(h, w)`."""
        return self.method.function(list(sources))


def list_models() -> list[str]:
    """Names that `Fuser.load` takes: the bundled networks first, then the classical methods."""
    return [*bundled_models(), *METHODS]


def bundled_models() -> list[str]:
    """Names of the networks whose weights are inside the package."""
    return sorted(path.parent.name for path in ZOO.glob("*/card.json"))


def open_model(fuser: type[Fuser], model: str | Path, *, threads: int | None, memory_mb: float) -> Fuser:
    """Make a `Fuser` of a bundled model, a classical method or a model folder.

    Raises:
        ModelError: no such model, or its files are damaged.
    """
    if model in METHODS:
        method = METHODS[str(model)]
        return fuser(
            ClassicalEngine(method),
            name=method.name,
            symmetric=True,
            margin=method.margin,
            grid=method.size_multiple,
            memory_mb=memory_mb,
        )
    return _open_folder(fuser, model_folder(model), threads, memory_mb)


def model_folder(model: str | Path) -> Path:
    """The folder of a bundled model by its name, or the folder itself.

    Raises:
        ModelError: neither.
    """
    if (ZOO / str(model) / "card.json").is_file():
        return ZOO / str(model)
    if Path(model).is_dir():
        return Path(model)
    raise _unknown(str(model), list_models())


def _open_folder(fuser: type[Fuser], folder: Path, threads: int | None, memory_mb: float) -> Fuser:
    from imfuse.runtime.backends.onnx import OnnxEngine

    card = ModelCard.read(folder)
    weights = folder / "model.onnx"
    if weights.is_file() and file_sha256(weights) != card.sha256:
        raise ModelError(f"{weights}: its SHA-256 is not that of card.json; the file is damaged or from another export")
    return fuser(
        OnnxEngine(weights, threads),
        name=card.name,
        sources=card.sources,
        symmetric=card.symmetric,
        size_multiple=card.size_multiple,
        margin=card.margin,
        card=card,
        memory_mb=memory_mb,
    )


def _unknown(name: str, known: Sequence[str]) -> ModelError:
    close = get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return ModelError(f"no model {name!r} and no folder of that name{hint} Known models: {', '.join(known)}")
