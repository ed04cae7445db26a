"""`FusionBatch`, and the loader that hands each process its part of every global batch."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from imfuse.errors import RecipeError
from imfuse.lab.data.patches import PatchSampler


class FusionBatch(NamedTuple):
    """Patches of one step.

    Attributes:
        sources: what the network sees.
        targets: what the loss compares with: the sources without noise.
    """

    sources: Float[Tensor, "b n h w"]
    targets: Float[Tensor, "b n h w"]


class StepBatches(Dataset[FusionBatch]):
    """The batches of one process; item `step` is its part of the global batch of that step.

    Args:
        sampler: where the patches come from.
        batch: patches of the global batch.
        rank: number of this process.
        processes: how many share the global batch.

    Raises:
        RecipeError: the global batch cannot be shared evenly.
    """

    def __init__(self, sampler: PatchSampler, batch: int, rank: int = 0, processes: int = 1) -> None:
        if batch % processes:
            raise RecipeError(f"field data.batch: {batch} patches cannot be shared evenly by {processes} processes")
        own = batch // processes
        self.sampler, self.numbers = sampler, range(rank * own, (rank + 1) * own)

    def __getitem__(self, step: int) -> FusionBatch:
        sources, targets = self.sampler.batch(step, self.numbers)
        return FusionBatch(torch.from_numpy(sources), torch.from_numpy(targets))


def step_loader(batches: StepBatches, steps: range, workers: int) -> DataLoader[FusionBatch]:
    """Loads the batches of these steps in their order."""
    return DataLoader(
        batches, batch_size=None, sampler=steps, num_workers=workers, pin_memory=torch.cuda.is_available()
    )
