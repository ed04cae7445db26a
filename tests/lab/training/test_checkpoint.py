"""Checkpoints bring everything back, are never half-written, and refuse what does not fit."""

from __future__ import annotations

import copy
import os

import pytest
import torch
from torch import nn

from imfuse.errors import TrainingError
from imfuse.lab.training.checkpoint import (
    TrainingState,
    average_weights,
    checkpoint_step,
    load_checkpoint,
    save_checkpoint,
)


def trained_state(seed: int = 0, width: int = 3) -> TrainingState:
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(2, width, 3), nn.BatchNorm2d(width))
    state = TrainingState(network, copy.deepcopy(network), torch.optim.AdamW(network.parameters()))
    update(state)
    return state


def update(state: TrainingState) -> None:
    state.network(torch.rand(1, 2, 8, 8, generator=torch.Generator().manual_seed(1))).square().sum().backward()
    state.optimiser.step()
    state.optimiser.zero_grad()


def test_a_restored_state_goes_on_as_the_saved_one(tmp_path):
    saved, restored = trained_state(0), trained_state(1)
    save_checkpoint(tmp_path / "c", saved, 17, "hash")
    assert load_checkpoint(tmp_path / "c", restored) == 17
    update(saved)
    update(restored)
    for name, value in saved.network.state_dict().items():
        assert torch.equal(restored.network.state_dict()[name], value)
    for name, value in saved.average.state_dict().items():
        assert torch.equal(average_weights(tmp_path / "c")[name], value)


def test_the_step_is_read_alone(tmp_path):
    assert checkpoint_step(tmp_path / "c") == 0
    save_checkpoint(tmp_path / "c", trained_state(), 5, "hash")
    assert checkpoint_step(tmp_path / "c") == 5


def test_a_failure_while_writing_leaves_the_former_checkpoint(tmp_path, monkeypatch):
    save_checkpoint(tmp_path / "c", trained_state(), 5, "hash")

    def fail(_descriptor: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space"):
        save_checkpoint(tmp_path / "c", trained_state(), 6, "hash")
    assert checkpoint_step(tmp_path / "c") == 5
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


def test_a_damaged_checkpoint_is_named(tmp_path):
    save_checkpoint(tmp_path / "c", trained_state(), 5, "hash")
    (tmp_path / "c").write_bytes((tmp_path / "c").read_bytes()[:100])
    with pytest.raises(TrainingError, match=r"c: not a readable checkpoint"):
        load_checkpoint(tmp_path / "c", trained_state())


def test_weights_of_another_network_are_refused(tmp_path):
    save_checkpoint(tmp_path / "c", trained_state(), 5, "hash")
    with pytest.raises(TrainingError, match="another network"):
        load_checkpoint(tmp_path / "c", trained_state(width=4))
