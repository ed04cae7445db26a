"""What `imfuse.lab.losses` hands out."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from torch import nn

from imfuse.lab import losses

FUNCTIONS = sorted(
    name for name in losses.__all__ if name.endswith("_loss") and not name.endswith(("d_loss", "g_loss"))
)
MODULES = {name.lower() for name in losses.__all__ if isinstance(getattr(losses, name), type)}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_loss_has_a_module_of_the_same_stem(name):
    if name == "elastic_weight_loss":
        assert issubclass(losses.ElasticWeights, nn.Module)  # which holds what the loss compares with
        return
    assert name.replace("_", "") in MODULES


def test_every_loss_of_every_file_is_handed_out():
    found = set()
    for file in pkgutil.iter_modules(losses.__path__):
        module = importlib.import_module(f"{losses.__name__}.{file.name}")
        own = {name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__}
        found |= {name for name in own if name.endswith(("_loss", "Loss")) and not name.startswith("_")}
    assert found - {"PlainLoss", "FeatureLoss"} <= set(losses.__all__)
