"""Checkpoints of a search by gradients: all that it needs to go on, in one file that replaces the last."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.optim import Optimizer

from imfuse.errors import SearchError, TrainingError
from imfuse.images.storage import first_line
from imfuse.lab.search.gradient_search import GradientSearch
from imfuse.lab.training.checkpoint import load_tensors, save_tensors

SUPERNET, WEIGHTS, ARCHITECTURE = "supernet.", "weights.", "architecture."

_DAMAGED = "damaged, or not the state of this search; --restart searches again from the beginning"


def save_search_state(path: Path, search: GradientSearch, done: int, seconds: float, sha256: str) -> None:
    """Write the state after `done` updates; an interruption leaves the former one whole."""
    tensors = {SUPERNET + name: tensor for name, tensor in search.supernet.state_dict().items()}
    tensors |= _states(WEIGHTS, search.weight_optimiser, search.weights)
    tensors |= _states(ARCHITECTURE, search.architecture_optimiser, search.logits)
    state = {"step": done, "seconds": seconds, "sha256": sha256, "settled": search.supernet.settled}
    save_tensors(path, tensors, {"search": json.dumps(state)})


def load_search_state(path: Path, search: GradientSearch, sha256: str) -> tuple[int, float]:
    """Bring a state back; returns the updates it has had and the seconds they took.

    Raises:
        SearchError: the file is damaged, or belongs to another search.
    """
    try:
        tensors, metadata = load_tensors(path)
        state = json.loads(metadata["search"])
        if state["sha256"] != sha256:
            raise SearchError(
                f"{path}: the state of a search with another recipe; choose another folder, or --restart to lose it"
            )
        supernet = {n.removeprefix(SUPERNET): t for n, t in tensors.items() if n.startswith(SUPERNET)}
        search.supernet.load_state_dict(supernet)
    except TrainingError as error:  # whose text advises on trainings
        raise SearchError(f"{path}: {_DAMAGED}") from error
    except (RuntimeError, KeyError, ValueError, TypeError) as error:
        raise SearchError(f"{path}: {_DAMAGED} ({first_line(error)})") from error
    _restore(WEIGHTS, search.weight_optimiser, search.weights, tensors)
    _restore(ARCHITECTURE, search.architecture_optimiser, search.logits, tensors)
    search.supernet.settle(state["settled"])
    return state["step"], state["seconds"]


def _states(prefix: str, optimiser: Optimizer, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What an optimiser keeps of each parameter that it has updated."""
    return {
        f"{prefix}{name}:{key}": torch.as_tensor(value)
        for name, parameter in parameters.items()
        for key, value in optimiser.state.get(parameter, {}).items()
    }


def _restore(prefix: str, optimiser: Optimizer, parameters: Mapping[str, Tensor], tensors: dict[str, Tensor]) -> None:
    for full, tensor in tensors.items():
        if full.startswith(prefix):
            name, key = full.removeprefix(prefix).rsplit(":", 1)
            parameter = parameters[name]
            # Adam counts its updates on the CPU whatever the device of the weights.
            optimiser.state[parameter][key] = tensor if key == "step" else tensor.to(parameter.device)
