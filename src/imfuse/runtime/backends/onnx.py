"""ONNX Runtime, the default engine: CPU, or CUDA where that build is installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from imfuse.errors import ModelError
from imfuse.runtime.cores import usable_cores

MOST_THREADS = 4
"""Of one inference, unless asked for more: the networks are too small to gain by others."""

NO_MEMORY = ("failed to allocate memory", "bad_alloc", "bad allocation", "out of memory")
"""What ONNX Runtime's errors say where memory was refused; they have no class of their own."""


class OnnxEngine:
    """A graph with one input `(1, n, h, w)` and one output `(1, 1, h, w)`, free height and width.

    Args:
        path: the `.onnx` file.
        threads: threads of one inference; None takes the cores that this process may use, at most four.

    Raises:
        ModelError: the file is missing or is no graph that ONNX Runtime can run.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        if not path.is_file():
            raise ModelError(f"{path}: no such file; a model folder holds model.onnx and card.json")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads or min(usable_cores(), MOST_THREADS)
        options.inter_op_num_threads = 1
        try:
            self.session = onnxruntime.InferenceSession(str(path), options, providers=_providers())
        except Exception as error:  # ONNX Runtime raises its own undocumented classes
            raise ModelError(f"{path}: ONNX Runtime cannot load it ({error}); export the model again") from error
        self.input_name = self.session.get_inputs()[0].name

    def run(self, sources: NDArray[np.float32]) -> NDArray[np.float32]:
        """Fuse `(n, h, w)` sources in [0, 1] into `(h, w)`.

        Raises:
            MemoryError: there is not enough memory for this size.
        """
        try:
            return np.asarray(self.session.run(None, {self.input_name: sources[None]})[0])[0, 0]
        except Exception as error:
            if any(words in str(error).lower() for words in NO_MEMORY):
                raise MemoryError(str(error)) from error
            raise


def _providers() -> list[str]:
    wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
    available = onnxruntime.get_available_providers()
    return [provider for provider in wanted if provider in available]
