"""Networks made ready to run on a target, by the engines that the Fuser uses."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import onnxruntime
import torch
from torch import nn

from imfuse.errors import SearchError
from imfuse.lab.engine import TorchEngine
from imfuse.lab.search.static_graphs import static_graphs
from imfuse.lab.search.target import Target
from imfuse.lab.training.graph import to_onnx
from imfuse.runtime.backends import Engine
from imfuse.runtime.backends.onnx import OnnxEngine
from imfuse.runtime.processor import processor

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


def check_device(target: Target) -> None:
    """Say so if the engine finds no such device.

    Raises:
        SearchError: it finds none.
    """
    if target.device != "cuda":
        return
    if target.engine == "torch" and not torch.cuda.is_available():
        raise SearchError(
            "target cuda: PyTorch finds no CUDA device here; search on a machine with one, or for device: cpu"
        )
    if target.engine == "onnx" and CUDA not in onnxruntime.get_available_providers():
        raise SearchError(
            "target cuda: this ONNX Runtime has no CUDA; install onnxruntime-gpu, or search for engine: torch or "
            "device: cpu"
        )


def open_engine(network: nn.Module, target: Target) -> Engine:
    """An engine for sources of any size, as of an exported model; the network is copied.

    Args:
        network: with `size_multiple` and `symmetric`, as the networks of `imfuse.lab.models`.
        target: engine, device and threads.

    Raises:
        SearchError: the device is not there.
        TrainingError: the network cannot be translated to ONNX.
    """
    check_device(target)
    network = copy.deepcopy(network).eval()
    if target.engine == "torch":
        return TorchEngine(network, target.device)
    rule: dict[str, Any] = {"multiple": network.size_multiple, "symmetric": network.symmetric}
    return _onnx_engine(to_onnx(network.cpu(), **rule), target)


def open_engines(networks: Sequence[nn.Module], target: Target, height: int, width: int) -> Iterator[Engine]:
    """An engine for each network, opened when asked for, as each keeps its working memory; the networks are copied.

    Args:
        networks: from `(1, 2, height, width)` to `(1, 1, h, w)`.
        target: engine, device and threads.
        height: of the sources; engines of ONNX take no other.
        width: of the sources.

    Raises:
        SearchError: the device is not there, or a network cannot be translated to ONNX.
    """
    check_device(target)
    networks = [copy.deepcopy(network).eval() for network in networks]
    if target.engine == "torch":
        yield from (TorchEngine(network, target.device) for network in networks)
        return
    graphs = static_graphs([network.cpu() for network in networks], height, width)
    yield from (_onnx_engine(graph, target) for graph in graphs)


@contextmanager
def target_threads(target: Target) -> Iterator[None]:
    """PyTorch and OpenCV on the threads of the target, until the block ends; ONNX Runtime has its own."""
    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(target.used_threads)
    cv2.setNumThreads(target.used_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])


def engine_version(target: Target) -> str:
    """Engine and version, such as `onnxruntime 1.20.0`."""
    return f"torch {torch.__version__}" if target.engine == "torch" else f"onnxruntime {onnxruntime.__version__}"


def device_name(target: Target) -> str:
    """Name of the processor, or of the accelerator where PyTorch can tell it."""
    if target.device == "cpu":
        return processor()
    return torch.cuda.get_device_name() if torch.cuda.is_available() else target.device


def _onnx_engine(graph: bytes, target: Target) -> OnnxEngine:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(graph)
        engine = OnnxEngine(path, target.used_threads)
    if target.device == "cpu" and CUDA in engine.session.get_providers():
        engine.session.set_providers([CPU])
    return engine
