"""A network answers the same by PyTorch and by ONNX Runtime, whole and in tiles."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from imfuse.lab.engine import torch_fuser
from imfuse.lab.models import build_model
from imfuse.lab.training.graph import to_onnx
from imfuse.runtime.backends.onnx import OnnxEngine
from imfuse.runtime.fuser import Fuser


@pytest.fixture(scope="module", params=[False, True], ids=["ordered", "symmetric"])
def fusers(request, tmp_path_factory) -> tuple[Fuser, Fuser]:
    """The same network, whose heads are awake, by both engines."""
    torch.manual_seed(0)
    network = build_model("learned_pyramid", levels=3, symmetric=request.param).eval()
    for parameter in network.context.heads.parameters():
        torch.nn.init.normal_(parameter, 0, 0.2)
    path = tmp_path_factory.mktemp("graph") / "model.onnx"
    path.write_bytes(to_onnx(network, multiple=8, symmetric=request.param))
    rule = {"size_multiple": 8, "margin": network.margin, "symmetric": request.param}
    return torch_fuser(network), Fuser(OnnxEngine(path, 1), **rule)


@pytest.mark.parametrize("size", [(1, 1), (37, 50), (96, 64)])
def test_both_engines_give_the_same(fusers, size):
    sources = list(np.random.default_rng(0).random((2, *size), dtype=np.float32))
    ours, theirs = (fuser(*sources) for fuser in fusers)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_tiles_of_a_network_equal_the_whole(fusers):
    sources = list(np.random.default_rng(1).random((2, 500, 460), dtype=np.float32))
    for fuser in fusers:
        whole = fuser(*sources)
        tiled = Fuser(fuser.engine, size_multiple=8, margin=fuser.rule.margin, symmetric=fuser.symmetric, memory_mb=1)
        assert np.abs(tiled(*sources) - whole).max() <= 1 / 255
