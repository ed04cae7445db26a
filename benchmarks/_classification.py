"""One run: train a classifier of two modalities from a seed and measure it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from _crops import MAX_SHIFT, Crops, augment
from _two_streams import build_network
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from imfuse.lab.nn.feature_fusion import count_macs, count_parameters

WEIGHT_DECAY = 0.05
WARM_UP = 0.2
"""Share of the steps in which the rate rises."""


@dataclass(frozen=True)
class Settings:
    """What decides the result of a variant and a seed; `data` and `part` name what is trained on and measured."""

    epochs: int
    batch: int
    rate: float
    side: int
    part: str
    data: str


def run(
    variant: str,
    seed: int,
    settings: Settings,
    train: Crops,
    test: Crops,
    *,
    advance: Callable[[], None] = lambda: None,
) -> dict[str, float]:
    """Train a variant and measure it; `advance` is called after each epoch."""
    torch.manual_seed(seed)
    classes = int(train.labels.max()) + 1
    network = build_network(variant, classes).to(memory_format=torch.channels_last)
    fit(network, train, settings, seed, advance)
    network.eval()
    return {
        **accuracies(predict(network, test), test, classes),
        "parameters": count_parameters(network),
        "macs": count_macs(network, test.infrared[:1], test.visible[:1]),
    }


def fit(network: nn.Module, crops: Crops, settings: Settings, seed: int, advance: Callable[[], None]) -> None:
    """Train with AdamW, at a rate that rises and then falls; order and changes of the crops follow from the seed."""
    generator = torch.Generator().manual_seed(seed)
    batches = max(len(crops) // settings.batch, 1)  # of about that size: a rest of one crop has no variance
    optimiser = torch.optim.AdamW(network.parameters(), settings.rate, weight_decay=WEIGHT_DECAY)
    steps = settings.epochs * batches
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: share_of_rate((step + 1) / steps))
    network.train()
    for _ in range(settings.epochs):
        for chosen in torch.randperm(len(crops), generator=generator).tensor_split(batches):
            loss = F.cross_entropy(network(*changed(crops, chosen, generator)), crops.labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        advance()


def share_of_rate(done: float) -> float:
    """Share of the full rate when a share of the training is done."""
    return min(done / WARM_UP, (1 + math.cos(math.pi * done)) / 2)


def changed(crops: Crops, chosen: Tensor, generator: torch.Generator) -> list[Float[Tensor, "b c s s"]]:
    """Chosen crops, mirrored and shifted; both modalities alike, since they are registered."""
    flipped = torch.rand(len(chosen), generator=generator) < 0.5
    shifts = torch.randint(-MAX_SHIFT, MAX_SHIFT + 1, (len(chosen), 2), generator=generator)
    return [augment(images[chosen], flipped, shifts) for images in (crops.infrared, crops.visible)]


@torch.no_grad()
def predict(network: nn.Module, crops: Crops) -> Tensor:
    """The most likely class of each crop."""
    pairs = zip(crops.infrared.split(256), crops.visible.split(256), strict=True)
    return torch.cat([network(*pair).argmax(1) for pair in pairs])


def accuracies(predicted: Tensor, crops: Crops, classes: int) -> dict[str, float]:
    """Shares of right predictions: of all, by day, by night, and the mean over the classes (balanced)."""
    right = (predicted == crops.labels).double()
    of_classes = [right[crops.labels == label].mean() for label in range(classes)]
    return {
        "accuracy": float(right.mean()),
        "day": float(right[~crops.night].mean()),
        "night": float(right[crops.night].mean()),
        "balanced": float(torch.stack(of_classes).nanmean()),
    }
