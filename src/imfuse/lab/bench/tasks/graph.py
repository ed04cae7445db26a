"""A ready-made network in an ONNX file: one picture in, its first output out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from imfuse.errors import EvaluationError
from imfuse.images.storage import first_line
from imfuse.runtime.card import file_sha256
from imfuse.runtime.cores import usable_cores

Picture = NDArray[np.uint8]
"""`(h, w, 3)` RGB."""

Size = tuple[int, int]
"""Height and width in pixels."""

_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


class Graph:
    """A graph with one picture `(1, 3, h, w)` as its only input.

    Args:
        path: the `.onnx` file.

    Attributes:
        height: of the input in pixels; None where the graph leaves it free.
        width: as `height`.
        sha256: of the file.

    Raises:
        EvaluationError: no such file, nothing that ONNX Runtime can load, or another input.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise EvaluationError(f"{path}: no such file; expected the ONNX file of a network")
        self.path = path
        self.sha256, self.session = file_sha256(path), _load(path)
        inputs = self.session.get_inputs()
        shape = inputs[0].shape if inputs else []
        coloured = len(shape) == 4 and not (isinstance(shape[1], int) and shape[1] != 3)
        if len(inputs) != 1 or not coloured or inputs[0].type not in _TYPES:
            found = ", ".join(f"{entry.name} {entry.shape} {entry.type}" for entry in inputs) or "none"
            raise EvaluationError(f"{path}: found the inputs {found}; expected one of floats (1, 3, h, w)")
        self.name, self.type = inputs[0].name, _TYPES[inputs[0].type]
        self.height, self.width = (size if isinstance(size, int) and size > 0 else None for size in shape[2:])

    def __call__(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """The first output for a picture `(3, h, w)`.

        Raises:
            EvaluationError: the network cannot be run on it.
        """
        try:
            output = self.session.run(None, {self.name: picture[None].astype(self.type, copy=False)})[0]
        except Exception as error:  # ONNX Runtime raises its own undocumented classes
            size = f"{picture.shape[2]}x{picture.shape[1]}"
            raise EvaluationError(f"{self.path}: cannot be run on {size} pixels ({first_line(error)})") from error
        return np.asarray(output).astype(np.float32, copy=False)


def _load(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = usable_cores()
    options.inter_op_num_threads = 1
    wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
    providers = [provider for provider in wanted if provider in onnxruntime.get_available_providers()]
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # ONNX Runtime raises its own undocumented classes
        raise EvaluationError(f"{path}: ONNX Runtime cannot load it ({first_line(error)}); export it again") from error
