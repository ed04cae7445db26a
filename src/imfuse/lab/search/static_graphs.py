"""Networks as ONNX graphs of one size, many in one pass of the exporter: for graphs that are timed, not kept."""

from __future__ import annotations

from collections.abc import Sequence

import onnx
import torch
from onnx.utils import Extractor
from torch import Tensor, nn

from imfuse.errors import SearchError
from imfuse.lab.training.graph import OPSET

SOURCES = "sources"


class _Beside(nn.Module):
    """Networks that see the same sources."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, sources: Tensor) -> tuple[Tensor, ...]:
        return tuple(network(sources) for network in self.networks)


def static_graphs(networks: Sequence[nn.Module], height: int, width: int) -> list[bytes]:
    """A graph `sources (1, 2, height, width) -> fused (1, 1, h, w)` of each network.

    Most of the time of PyTorch's exporter does not depend on the network, so that many are exported side by side and
    parted afterwards.

    Args:
        networks: on the CPU, in evaluation mode.
        height: of the sources in pixels.
        width: of the sources in pixels.

    Raises:
        SearchError: a network cannot be translated.
    """
    names = [f"fused{place}" for place in range(len(networks))]
    try:
        program = torch.onnx.export(
            _Beside(networks).eval(),
            (torch.rand(1, 2, height, width),),
            dynamo=True,
            opset_version=OPSET,
            input_names=[SOURCES],
            output_names=names,
            verbose=False,
        )
    except (torch.onnx.OnnxExporterError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[-1]  # what comes before is advice for PyTorch's own users
        raise SearchError(f"the networks cannot be translated to ONNX to be timed ({reason})") from error
    if program is None:
        raise SearchError("the networks cannot be translated to ONNX to be timed")
    extractor = Extractor(onnx.shape_inference.infer_shapes(program.model_proto))
    return [extractor.extract_model([SOURCES], [name]).SerializeToString() for name in names]
