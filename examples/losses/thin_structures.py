"""Segment thin structures by cross entropy alone, with features of a fixed network, and with centreline Dice.

    python examples/losses/thin_structures.py [--folder FOLDER] [--steps 400]
        [--network mobilenet_v2|vgg16|vgg19] [--weights random|imagenet|FILE]

The folder holds `train` and `test`, each with grey images in `ir` and `masks` that are not 0 on the structure; without
one, branching roads are drawn. Beside the overlap (IoU) stands how far the number of connected pieces is off (Betti 0).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from rich.progress import track
from torch import Tensor, nn
from torch.nn import functional as F

from imfuse.images.colour import luma
from imfuse.images.files import list_images, read_image, write_image
from imfuse.images.sheet import contact_sheet, for_display
from imfuse.lab.losses.centerline_dice import cldice_loss
from imfuse.lab.losses.topology import TopologyLoss

SIDE, BATCH, TESTS, SHOWN = 96, 8, 64, 4
Loss = Callable[[Tensor, Tensor], Tensor]  # of logits and targets (b, 1, h, w)
Source = Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]  # of an image and a mask in [0, 1]


def walk(rng: np.random.Generator, start: np.ndarray, angle: float, length: int) -> np.ndarray:
    angles = angle + np.cumsum(rng.normal(0, 0.15, length))
    steps = 4 * np.stack([np.cos(angles), np.sin(angles)], 1)
    return np.rint(start + np.cumsum(steps, 0)).astype(np.int32)


def draw_roads(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    roads, stray, shade = np.zeros((3, SIDE, SIDE), np.float32)
    for _ in range(2):
        away = rng.uniform(0, 2 * np.pi)
        start = SIDE / 2 * (1 + np.array([np.cos(away), np.sin(away)]))
        road = walk(rng, start, away + np.pi + rng.normal(0, 0.4), 30)
        branches = [walk(rng, road[rng.integers(5, 20)], away + rng.uniform(1, 5), 15) for _ in range(2)]
        cv2.polylines(roads, [road, *branches], False, 1, 2)
        for place in rng.integers(30, size=4):  # as under trees: the road is there, and hardly seen
            cv2.circle(shade, road[place].tolist(), int(rng.integers(2, 5)), 0.9, -1)
    lines = [walk(rng, rng.uniform(0, SIDE, 2), rng.uniform(0, 2 * np.pi), 4) for _ in range(8)]
    cv2.polylines(stray, lines, False, 0.8, 2)
    ground = cv2.GaussianBlur(rng.normal(0, 1, roads.shape), (0, 0), 6)
    image = 0.3 + 0.4 * np.maximum(roads, stray) * (1 - shade) + ground + rng.normal(0, 0.1, roads.shape)
    return image.clip(0, 1).astype(np.float32), roads


def read_folder(folder: Path) -> Source:
    paths = track(list_images(folder / "ir"), f"Reading {folder}")
    read = [(luma(read_image(path).pixels), read_image(folder / "masks" / path.name).pixels > 0) for path in paths]

    def crop(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        image, mask = read[rng.integers(len(read))]
        top, left = (int(rng.integers(side - SIDE + 1)) for side in image.shape)
        window = slice(top, top + SIDE), slice(left, left + SIDE)
        return image[window].astype(np.float32) / 255, mask[window].astype(np.float32)

    return crop


def batch(source: Source, rng: np.random.Generator, number: int) -> tuple[Tensor, Tensor]:
    images, masks = zip(*(source(rng) for _ in range(number)), strict=True)
    return torch.from_numpy(np.stack(images))[:, None], torch.from_numpy(np.stack(masks))[:, None]


def convolutions(inputs: int, outputs: int) -> nn.Module:
    layers = [(nn.Conv2d(a, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()) for a in (inputs, outputs)]
    return nn.Sequential(*layers[0], *layers[1])


class UNet(nn.Module):
    def __init__(self, widths: tuple[int, ...] = (12, 24, 48)) -> None:
        super().__init__()
        pairs = list(pairwise(widths))
        self.first = convolutions(1, widths[0])
        self.down = nn.ModuleList(convolutions(a, b) for a, b in pairs)
        self.up = nn.ModuleList(convolutions(a + b, a) for a, b in reversed(pairs))
        self.last = nn.Conv2d(widths[0], 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        levels = [self.first(images)]
        for down in self.down:
            levels.append(down(F.max_pool2d(levels[-1], 2)))
        maps = levels.pop()
        for up in self.up:
            maps = up(torch.cat([F.interpolate(maps, scale_factor=2), levels.pop()], 1))
        return self.last(maps)


def train(source: Source, name: str, loss: Loss, steps: int, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    rng, network = np.random.default_rng(seed), UNet()
    optimiser = torch.optim.Adam(network.parameters(), lr=2e-3)
    fading = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in track(range(steps), f"Learning by {name}"):
        images, masks = batch(source, rng, BATCH)
        optimiser.zero_grad()
        loss(network(images), masks).backward()
        optimiser.step()
        fading.step()
    return network.eval()


def pieces(masks: np.ndarray) -> np.ndarray:
    return np.array([cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0] - 1 for mask in masks])


def main(folder: Path | None, steps: int, seed: int, output: Path, **features: Any) -> None:
    learning, testing = (read_folder(folder / split) if folder else draw_roads for split in ("train", "test"))
    images, masks = batch(testing, np.random.default_rng(1234), TESTS)
    truth = masks[:, 0].numpy() > 0
    entropy = F.binary_cross_entropy_with_logits
    losses: dict[str, Loss] = {
        "cross entropy": entropy,
        "with features": TopologyLoss(**features),
        "with clDice": lambda logits, targets: entropy(logits, targets) + cldice_loss(logits, targets, iterations=3),
    }
    columns = {"image": images[:, 0].numpy(), "truth": truth}
    for name, loss in losses.items():
        trained = train(learning, name, loss, steps, seed)
        with torch.no_grad():
            found = trained(images)[:, 0].numpy() > 0
        overlap = (found & truth).sum() / (found | truth).sum()
        off = np.abs(pieces(found) - pieces(truth)).mean()
        print(
            f"{name:14} IoU {overlap:.3f}, pieces {pieces(found).mean():.2f} for {pieces(truth).mean():.2f}, "
            f"Betti-0 error {off:.2f}"
        )
        columns[name] = found
    pictures = [
        for_display((column[row] * 255).astype(np.uint8)) for row in range(SHOWN) for column in columns.values()
    ]
    write_image(output / "found.png", contact_sheet(pictures, list(columns) * SHOWN, columns=len(columns)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--network", default="mobilenet_v2")
    parser.add_argument("--weights", dest="network_weights", default="random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("thin_structures"))
    main(**vars(parser.parse_args()))
