"""Translate visible into infrared images after seeing no pair: a small CycleGAN (Zhu et al. 2017).

    python examples/losses/unpaired_translation.py [--folder FOLDER] [--elsewhere FOLDER] [--steps 600]

A folder holds `vis` and `ir`, images of the same names; without one, streets are invented. Of the first four fifths one
half gives the visible images, the other half the infrared ones. The last fifth, and `--elsewhere`, test the result.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from rich.progress import track
from torch import Tensor, nn

from imfuse.images.colour import luma
from imfuse.images.files import list_images, read_image, write_image
from imfuse.images.sheet import contact_sheet, for_display
from imfuse.lab.losses.adversarial import ADVERSARIAL
from imfuse.lab.losses.cycle import cycle_consistency_loss, identity_loss
from imfuse.scenes import simulate

SIDE, CROP, BATCH = 128, 64, 4
CYCLE, IDENTITY = 10.0, 5.0
Pairs = tuple[Tensor, Tensor]  # visible and infrared (b, 3, h, w) in [0, 1]; the infrared three times the same


def as_tensor(pictures: list[np.ndarray]) -> Tensor:
    sized = [cv2.resize(for_display(picture), (SIDE, SIDE), interpolation=cv2.INTER_AREA) for picture in pictures]
    return torch.from_numpy(np.stack(sized)).permute(0, 3, 1, 2) / 255


def read_pairs(folder: Path) -> Pairs:
    visible = list_images(folder / "vis")
    infrared = [folder / "ir" / path.name for path in visible]
    reading = track([*visible, *infrared], f"Reading {folder}")
    pictures = [read_image(path).pixels for path in reading]
    return as_tensor(pictures[: len(visible)]), as_tensor([luma(picture) for picture in pictures[len(visible) :]])


def invent_pairs(number: int) -> Pairs:
    scenes = [simulate(160, 160, seed=seed, darkness=0.3) for seed in track(range(number), "Inventing")]
    return as_tensor([scene.visible for scene in scenes]), as_tensor([scene.infrared for scene in scenes])


class Residual(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, maps: Tensor) -> Tensor:
        return maps + self.inner(maps)


def generator(width: int = 16) -> nn.Module:
    def convolution(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
        return [nn.Conv2d(inputs, outputs, 3, stride, 1, padding_mode="reflect"), nn.LeakyReLU(0.2)]

    def level(width: int, inner: nn.Module) -> nn.Module:
        up = [nn.Upsample(scale_factor=2, mode="bilinear"), *convolution(2 * width, width)]
        return Residual(nn.Sequential(*convolution(width, 2 * width, stride=2), inner, *up))

    def block(width: int) -> nn.Module:
        return Residual(nn.Sequential(*convolution(width, width), *convolution(width, width)[:1]))

    deepest = nn.Sequential(*(block(4 * width) for _ in range(3)))
    last = nn.Conv2d(width, 3, 3, padding=1, padding_mode="reflect")
    return nn.Sequential(*convolution(3, width), level(width, level(2 * width, deepest)), last, nn.Sigmoid())


def discriminator() -> nn.Module:
    """Logits of patches of 22 pixels."""
    widths = (3, 24, 48, 96)
    halves = [
        layer
        for inputs, outputs in pairwise(widths)
        for layer in (nn.Conv2d(inputs, outputs, 4, 2, 1), nn.LeakyReLU(0.2))
    ]
    return nn.Sequential(*halves, nn.Conv2d(widths[-1], 1, 1))


def crops(images: Tensor) -> Tensor:
    def one() -> Tensor:
        image = images[torch.randint(len(images), ())]
        top, left = torch.randint(SIDE - CROP + 1, (2,)).tolist()
        return image[:, top : top + CROP, left : left + CROP]

    batch = torch.stack([one() for _ in range(BATCH)])
    return batch.flip(3) if torch.rand(()) < 0.5 else batch


def train(visible: Tensor, infrared: Tensor, there: nn.Module, back: nn.Module, steps: int) -> None:
    loss = ADVERSARIAL["least_squares"]
    judges = nn.ModuleDict({"visible": discriminator(), "infrared": discriminator()})
    translating = torch.optim.Adam([*there.parameters(), *back.parameters()], lr=4e-4, betas=(0.5, 0.999))
    judging = torch.optim.Adam(judges.parameters(), lr=4e-4, betas=(0.5, 0.999))
    fading = [torch.optim.lr_scheduler.LinearLR(each, 1, 0.05, steps) for each in (translating, judging)]
    for _ in track(range(steps), "Learning"):
        x, y = crops(visible), crops(infrared)
        fakes = {"visible": back(y), "infrared": there(x)}
        fooled = torch.stack([loss.g_loss(judges[kind](fake)) for kind, fake in fakes.items()]).sum()
        kept = CYCLE * cycle_consistency_loss(x, y, there, back) + IDENTITY * identity_loss(x, y, there, back)
        translating.zero_grad()
        (fooled + kept).backward()
        translating.step()
        reals = {"visible": x, "infrared": y}
        judged = [loss.d_loss(judges[kind](reals[kind]), judges[kind](fakes[kind].detach())) for kind in reals]
        judging.zero_grad()
        torch.stack(judged).sum().backward()
        judging.step()
        for each in fading:
            each.step()


@torch.no_grad()
def translate(network: nn.Module, visible: Tensor) -> Tensor:
    return torch.cat([network(image[None]) for image in visible])


def say(name: str, images: Tensor, truth: Tensor) -> None:
    images, truth = images.mean(1).flatten(1), truth.mean(1).flatten(1)
    correlation = torch.stack([torch.corrcoef(torch.stack(pair))[0, 1] for pair in zip(images, truth, strict=True)])
    print(
        f"  {name:22} mean absolute error {(images - truth).abs().mean():.3f}, correlation {correlation.nanmean():.3f}"
    )


def main(folder: Path | None, elsewhere: Path | None, steps: int, output: Path) -> None:
    torch.manual_seed(0)
    visible, infrared = read_pairs(folder) if folder else invent_pairs(10)
    known, half = len(visible) * 4 // 5, len(visible) * 2 // 5
    tests = {"held out": (visible[known:], infrared[known:])}
    if elsewhere:
        tests["elsewhere"] = read_pairs(elsewhere)
    there, back = generator(), generator()
    before = {name: translate(there, test) for name, (test, _) in tests.items()}
    train(visible[:half], infrared[half:known], there, back, steps)
    for name, (test, truth) in tests.items():
        print(f"{name}: {len(test)} pairs")
        after, copy = translate(there, test), test.mean(1, keepdim=True)
        toned = (copy - copy.mean()) / copy.std() * infrared[half:known].std() + infrared[half:known].mean()
        say("visible as it is", copy, truth)
        say("toned like infrared", toned, truth)
        say("before", before[name], truth)
        say("after", after, truth)
        few = range(0, len(test), -(-len(test) // 5))
        rows = [picture[place] for place in few for picture in (test, after, truth)]
        pictures = [for_display((row * 255).byte().permute(1, 2, 0).numpy()) for row in rows]
        labels = ["visible", "translated", "infrared"] * len(few)
        write_image(output / f"{name.replace(' ', '_')}.png", contact_sheet(pictures, labels, columns=3))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--elsewhere", type=Path)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--output", type=Path, default=Path("unpaired_translation"))
    main(**vars(parser.parse_args()))
