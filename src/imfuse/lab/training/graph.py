"""A network as an ONNX graph of free height and width, and the proof that both compute the same."""

from __future__ import annotations

from itertools import product

import onnx
import onnxruntime
import torch
from torch import nn

from imfuse.errors import TrainingError

OPSET = 18
LARGEST_DIFFERENCE = 1e-4
LARGEST_ERROR = 2 / 255
SIZES = ((1, 1), (1, 3), (3, 2), (5, 7))
"""Heights and widths at which graph and network are compared, in units of the network's size multiple."""

PICTURE = (96, 160)
"""Least height and width of the largest picture that a graph is tried on: sums over a picture grow with it."""


def to_onnx(network: nn.Module, *, multiple: int, symmetric: bool) -> bytes:
    """Translate a network into a graph `sources (1, n, h, w) -> fused (1, 1, h, w)`.

    Args:
        network: on the CPU, in evaluation mode.
        multiple: height and width of the graph are free multiples of this.
        symmetric: whether the number of sources is free too (from two up).

    Raises:
        TrainingError: the network cannot be translated.
    """
    rows, columns = torch.export.Dim("rows", min=1, max=4096), torch.export.Dim("columns", min=1, max=4096)
    shape = {2: multiple * rows, 3: multiple * columns}
    if symmetric:
        shape[1] = torch.export.Dim("count", min=2, max=256)
    # Sizes that differ from each other and from one, so that none is taken for a constant.
    example = torch.rand(1, 3 if symmetric else 2, 4 * multiple, 6 * multiple)
    try:
        program = torch.onnx.export(
            network,
            (example,),
            dynamo=True,
            opset_version=OPSET,
            dynamic_shapes=(shape,),
            input_names=["sources"],
            output_names=["fused"],
            verbose=False,
        )
    except (torch.onnx.OnnxExporterError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[-1]  # what comes before is advice for PyTorch's own users
        raise TrainingError(f"the network cannot be translated to ONNX ({reason})") from error
    if program is None:
        raise TrainingError("the network cannot be translated to ONNX")
    return _without_traces(program.model_proto).SerializeToString()


def check_parity(network: nn.Module, graph: bytes, *, multiple: int, symmetric: bool) -> float:
    """Largest difference between the network and its graph over several sizes.

    Raises:
        TrainingError: they differ by more than 1e-4.
    """
    session = _session(graph)
    largest = 0.0
    sizes = [*((rows * multiple, columns * multiple) for rows, columns in SIZES), _picture_size(multiple)]
    for (height, width), count in product(sizes, (2, 3, 5) if symmetric else (2,)):
        sources = torch.rand(1, count, height, width, generator=torch.Generator().manual_seed(height))
        with torch.no_grad():
            expected = network(sources)
        found = torch.from_numpy(session.run(None, {"sources": sources.numpy()})[0])
        difference = float((expected - found).abs().max())
        if not difference <= LARGEST_DIFFERENCE:
            raise TrainingError(
                f"the exported graph differs from the network by {difference:.2e} at {tuple(sources.shape)}; "
                f"at most {LARGEST_DIFFERENCE:.0e} is allowed, so an operation was translated wrongly"
            )
        largest = max(largest, difference)
    return largest


def check_identity(graph: bytes, *, multiple: int, symmetric: bool, keeps_equal: bool = True) -> float:
    """Largest difference between a picture and what the graph makes of sources that all are that picture.

    Done with noise, with a ramp, and with black and white; what the graph makes is clipped, as the Fuser does.

    Args:
        graph: as `to_onnx` makes it.
        multiple: height and width of its sources are multiples of this.
        symmetric: whether it takes any number of sources.
        keeps_equal: whether the network promises to give equal sources back; False only measures.

    Raises:
        TrainingError: they differ by more than 2/255, though the network promises otherwise: it adds or takes what
            no source holds. Or the graph makes values that are not finite.
    """
    session = _session(graph)
    height, width = _picture_size(multiple)
    noise = torch.rand(height, width, generator=torch.Generator().manual_seed(0))
    ramp = torch.linspace(0, 1, width).expand(height, width)
    largest = 0.0
    for picture, count in product((noise, ramp, ramp.round()), (2, 3, 5) if symmetric else (2,)):
        sources = picture.expand(1, count, height, width).numpy()
        fused = torch.from_numpy(session.run(None, {"sources": sources})[0])
        error = float((fused.clip(0, 1) - picture).abs().max())
        if not bool(fused.isfinite().all()):
            raise TrainingError(f"{count} equal sources come back with values that are not finite; train again")
        if keeps_equal and error > LARGEST_ERROR:
            raise TrainingError(
                f"{count} equal sources come back changed by up to {error * 255:.1f} / 255; at most "
                f"{LARGEST_ERROR * 255:.0f} / 255 is allowed, so the network must leave alone what its sources share, "
                "or say that it does not by an attribute keeps_equal = False"
            )
        largest = max(largest, error)
    return largest


def _picture_size(multiple: int) -> tuple[int, int]:
    """`PICTURE`, raised to the multiple."""
    height, width = (-(-side // multiple) * multiple for side in PICTURE)
    return height, width


def _session(graph: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """Drop the exporter's notes: they hold the paths of the machine, and more bytes than a small network."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del part.metadata_props[:]
    for part in (model, graph, *graph.node):
        part.ClearField("doc_string")
    del graph.value_info[:]
    for function in model.functions:
        del function.metadata_props[:]
        for node in function.node:
            del node.metadata_props[:]
    return model
