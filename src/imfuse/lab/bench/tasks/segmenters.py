"""A ready-made segmentation network: one of torchvision's by name, or of an ONNX file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torchvision.models import get_model, get_model_weights, list_models, segmentation

from imfuse.errors import EvaluationError
from imfuse.lab.bench.tasks import fastestdet
from imfuse.lab.bench.tasks.graph import Graph, Picture, Size
from imfuse.runtime.card import file_sha256

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's RGB values in [0, 1]."""

COARSEST = 32
"""Pixels of the input along one value of the output, of the usual networks at most."""

PROBED = (256, 256)
"""Size at which a graph of free size tells its classes."""


class Segmenter(Protocol):
    """A network that gives each pixel a class.

    Attributes:
        name: for titles.
        classes: names of its classes in its order.
        key: stands for its weights and its treatment of pictures.
    """

    name: str
    classes: tuple[str, ...]
    key: str

    def __call__(self, picture: Picture, size: Size) -> NDArray[np.int64]:
        """The class of each pixel, `(h, w)` of a size."""
        ...


class OnnxSegmenter:
    """A graph from RGB, normalised as ImageNet's, to logits `(1, classes, h, w)`.

    Args:
        path: the `.onnx` file. A picture is stretched to a fixed size, and kept as it is where the size is free.
        classes: names of its classes; None numbers them.

    Raises:
        EvaluationError: the file cannot be run, gives another output, or another number of classes.
    """

    def __init__(self, path: Path, classes: Sequence[str] | None = None) -> None:
        self.graph, self.name = Graph(path), path.name
        self.key = self.graph.sha256
        size = self.graph.height or PROBED[0], self.graph.width or PROBED[1]
        logits = self._logits(np.zeros((*size, 3), np.uint8))
        shape = logits.shape
        _check(logits, size, path)
        self.classes = tuple(classes) if classes else tuple(f"class {index}" for index in range(shape[1]))
        if len(self.classes) != shape[1]:
            raise EvaluationError(
                f"{path}: gives {shape[1]} classes, and {len(self.classes)} names were given; give the names of the "
                "network's classes in its order"
            )

    def __call__(self, picture: Picture, size: Size) -> NDArray[np.int64]:
        """The class of each pixel, `(h, w)` of a size."""
        return _classes(torch.from_numpy(self._logits(picture)), size)

    def _logits(self, picture: Picture) -> NDArray[np.float32]:
        size = self.graph.height or picture.shape[0], self.graph.width or picture.shape[1]
        if picture.shape[:2] != size:
            picture = cv2.resize(picture, size[::-1], interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)
        unit = picture.astype(np.float32) / 255
        normalised = (unit - np.array(MEAN, np.float32)) / np.array(DEVIATION, np.float32)
        return self.graph(np.ascontiguousarray(normalised.transpose(2, 0, 1)))


class TorchvisionSegmenter:
    """A network of `torchvision.models.segmentation` with its trained weights, fed as torchvision feeds it.

    Args:
        name: such as `lraspp_mobilenet_v3_large`.

    Raises:
        EvaluationError: no such network, or its weights are not on this machine.
    """

    def __init__(self, name: str) -> None:
        weights = _trained_weights(name)
        path = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rpartition("/")[2]
        if not path.is_file():
            raise EvaluationError(
                f"{name}: its weights {path.name} are not in {path.parent}; download {weights.url} into that folder"
            )
        state = torch.load(path, map_location="cpu", weights_only=True)
        options = {"aux_loss": True} if any(key.startswith("aux_classifier.") for key in state) else {}
        self.name, self.key = name, file_sha256(path)
        self.classes = tuple(weights.meta["categories"])
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        model = get_model(name, weights=None, weights_backbone=None, num_classes=len(self.classes), **options)
        model.load_state_dict(state)
        self.model, self.prepare = model.eval().to(self.device), weights.transforms()

    def __call__(self, picture: Picture, size: Size) -> NDArray[np.int64]:
        """The class of each pixel, `(h, w)` of a size."""
        with torch.inference_mode():
            batch = self.prepare(torch.from_numpy(picture).permute(2, 0, 1))[None].to(self.device)
            return _classes(self.model(batch)["out"], size)


def load_segmenter(segmenter: str | Path, classes: Sequence[str] | None = None) -> Segmenter:
    """A network by the name that torchvision gives it, or of an ONNX file.

    Args:
        segmenter: the name or the file.
        classes: names of the classes of an ONNX network; torchvision's carry theirs.

    Raises:
        EvaluationError: there is no such network, or it cannot be run.
    """
    if isinstance(segmenter, Path) or segmenter.lower().endswith(".onnx") or Path(segmenter).is_file():
        return OnnxSegmenter(Path(segmenter), classes)
    return TorchvisionSegmenter(segmenter)


def _trained_weights(name: str) -> Any:
    known = list_models(module=segmentation)
    if name not in known:
        raise EvaluationError(f"segmenter {name!r}: expected an ONNX file or one of {', '.join(known)}")
    return get_model_weights(name)["DEFAULT"]


def _check(logits: NDArray[np.float32], size: Size, path: Path) -> None:
    """Refuse what is no map of classes over the input, as detectors give it.

    Raises:
        EvaluationError: with the shape.
    """
    shape = logits.shape
    if len(shape) != 4 or shape[0] != 1 or shape[1] < 2 or not _covers(shape[2:], size):
        found = ""
    elif fastestdet.is_activated(logits):
        found = ", and holds objectness, boxes and class shares as a detector's"
    else:
        return
    raise EvaluationError(
        f"{path}: its first output has the shape {shape} for an input of {size[0]}x{size[1]} (height x width){found}; "
        f"expected logits (1, classes, h, w) of 2 classes or more, h and w those of the input or down to 1/{COARSEST} "
        "of them; a detector goes with --detector"
    )


def _covers(cells: tuple[int, ...], size: Size) -> bool:
    """Whether a map has the proportions of the input, up to rounding, and a plausible size."""
    (high, wide), (height, width) = cells, size
    scales = high / height, wide / width
    return min(scales) >= 1 / COARSEST and max(scales) <= 1 and abs(scales[0] - scales[1]) <= 1 / height + 1 / width


def _classes(logits: Tensor, size: Size) -> NDArray[np.int64]:
    """Logits `(1, classes, h, w)` brought to a size, and the strongest class of each pixel."""
    return F.interpolate(logits, size=size, mode="bilinear", align_corners=False)[0].argmax(0).cpu().numpy()
