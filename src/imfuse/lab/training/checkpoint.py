"""Checkpoints: everything that a training needs to go on to the bit, in one safetensors file that replaces the last.

Nothing random is kept, because every draw depends on (seed, step) alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from imfuse.errors import TrainingError

NETWORK, AVERAGE, OPTIMISER = "network.", "average.", "optimiser."


@dataclass(frozen=True)
class TrainingState:
    """What changes during a training.

    Attributes:
        network: the weights that are updated.
        average: the same network with the moving average of the weights; it is what is exported.
        optimiser: over the parameters of `network`.
    """

    network: nn.Module
    average: nn.Module
    optimiser: Optimizer


def save_checkpoint(path: Path, state: TrainingState, step: int, recipe_sha256: str) -> None:
    """Write a state after `step` updates; an interruption leaves the former checkpoint whole."""
    tensors = _with_prefix(NETWORK, state.network.state_dict()) | _with_prefix(AVERAGE, state.average.state_dict())
    for name, parameter in state.network.named_parameters():
        tensors |= _with_prefix(f"{OPTIMISER}{name}:", state.optimiser.state[parameter])
    # One entry, because safetensors writes several in no fixed order, and equal states should give equal files.
    save_tensors(path, tensors, {"training": json.dumps({"step": step, "recipe_sha256": recipe_sha256})})


def load_checkpoint(path: Path, state: TrainingState) -> int:
    """Bring a state back, and return the number of updates it has had.

    Raises:
        TrainingError: the file is damaged, or belongs to another network.
    """
    tensors, metadata = load_tensors(path)
    try:
        state.network.load_state_dict(_without_prefix(NETWORK, tensors))
        state.average.load_state_dict(_without_prefix(AVERAGE, tensors))
    except RuntimeError as error:
        raise TrainingError(f"{path}: weights of another network; train with --restart ({error})") from error
    for name, parameter in state.network.named_parameters():
        values = _without_prefix(f"{OPTIMISER}{name}:", tensors)
        # AdamW counts its updates on the CPU whatever the device of the weights.
        state.optimiser.state[parameter] = {
            key: value if key == "step" else value.to(parameter.device) for key, value in values.items()
        }
    return json.loads(metadata["training"])["step"]


def checkpoint_step(path: Path) -> int:
    """Number of updates behind a checkpoint, read without its tensors; 0 where there is none.

    Raises:
        TrainingError: the file is damaged.
    """
    return json.loads(_metadata(path)["training"])["step"] if path.is_file() else 0


def average_weights(path: Path) -> dict[str, Tensor]:
    """The averaged weights inside a checkpoint.

    Raises:
        TrainingError: the file is damaged.
    """
    return _without_prefix(AVERAGE, load_tensors(path)[0])


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file under a temporary name, and rename it once it is on the disk."""
    # Clones, because safetensors refuses tensors that share memory, such as tied weights.
    plain = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(save(plain, metadata))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file.

    Raises:
        TrainingError: the file is missing or damaged.
    """
    metadata = _metadata(path)
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118


def _metadata(path: Path) -> dict[str, str]:
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise TrainingError(f"{path}: not a readable checkpoint ({error}); train with --restart") from error


def _with_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: torch.as_tensor(tensor) for name, tensor in tensors.items()}


def _without_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
